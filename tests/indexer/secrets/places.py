"""Places in code and configuration in which secrets stand, and the values that are tried there."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.indexer.secrets.formats import ALNUM, BASE64, HEX, WORD


def drawn(chooser: random.Random, letters: str, num: int) -> str:
    """So many of the letters; of eight and more at least two are digits and two are not, where there are both."""
    while True:
        text = "".join(chooser.choice(letters) for _ in range(num))
        num_digits = sum(letter.isdigit() for letter in text)
        if num < 8 or letters.isdigit() or 2 <= num_digits <= num - 2:
            return text


# Where a token stands that nothing names.
PLACES: dict[str, str] = {
    "a.py": "import client\n\nvalue = client.open('{}', retries=3)\n",
    "a.js": "const it = `{}`;\n",
    "a.ts": 'fetch(url, {{ headers: {{ it: "{}" }} }});\n',
    "a.yaml": "server:\n  it: {}\n  port: 80\n",
    "a.sh": "run --it={} --port 80\n",
    "a.c": "/* {} */\nint x;\n",
    "a.go": 'var it = []string{{\n\t"{}",\n}}\n',
    "a.md": "It is {}, they say.\n",
    "a.json": '{{"it": "{}", "n": 1}}\n',
    "Dockerfile": "RUN get {} && make\n",
}


def generated(chooser: random.Random) -> str:
    return drawn(chooser, ALNUM, 24)


def chosen(chooser: random.Random) -> str:
    """A password as people choose them."""
    words = ["tulip", "Harbor", "monsun", "Gravel", "kestrel", "brine", "otter", "Velvet"]
    end = chooser.choice(["", "!", "#", "_x"])
    return f"{chooser.choice(words)}{chooser.randrange(10, 99)}{chooser.choice(words)}{end}"


def hexadecimal(chooser: random.Random) -> str:
    return drawn(chooser, HEX, 32)


def base64_key(chooser: random.Random) -> str:
    return drawn(chooser, BASE64, 43) + "="


Make = Callable[[random.Random], str]
ALL: tuple[Make, ...] = (generated, chosen, hexadecimal, base64_key)
# A kind of place, the file, the text with the value's place, and which values are tried there.
NAMED: tuple[tuple[str, str, str, tuple[Make, ...]], ...] = (
    ("YAML", "a.yaml", "db:\n  password: {}\n  port: 5432\n", ALL),
    ("YAML, quoted", "a.yml", "db:\n  db_password: '{}'\n", ALL),
    ("YAML list", "a.yaml", "env:\n  - name: DB_PASSWORD\n    value: {}\n", ALL),
    ("YAML list, quoted", "a.yaml", 'env:\n  - name: API_KEY\n    value: "{}"\n', ALL),
    ("YAML block", "a.yaml", "a: 1\nsecret_key: |\n  {}\nb: 2\n", ALL),
    ("YAML, top", "a.yml", "api_key: {}\n", ALL),
    ("YAML comment", "a.yaml", "# password: {}\n", ALL),
    ("Kubernetes Secret", "a.yaml", "apiVersion: v1\nkind: Secret\ndata:\n  entry: {}\nother: 1\n", ALL),
    ("Kubernetes stringData", "a.yaml", "kind: Secret\nmetadata:\n  name: x\nstringData:\n  entry: {}\n", ALL),
    ("INI", "a.ini", "[db]\npassword = {}\nhost = x\n", ALL),
    ("INI, tight", "a.cfg", "[db]\nsecret_key={}\n", ALL),
    ("INI comment", "a.ini", "; password = {}\n", ALL),
    ("properties", "a.properties", "spring.datasource.password={}\n", ALL),
    ("properties, colon", "a.properties", "jwt.secret: {}\n", ALL),
    ("TOML", "a.toml", '[auth]\ntoken = "{}"\n', ALL),
    ("dotenv", "settings", "DB_PASS={}\n", ALL),
    ("dotenv, exported", "settings", "export API_TOKEN={}\n", ALL),
    ("dotenv, quoted", "settings", 'SECRET_KEY="{}"\n', ALL),
    ("shell", "a.sh", "#!/bin/sh\nDB_PASS={}\nrun\n", ALL),
    ("shell export", "a.sh", "export AWS_SECRET_ACCESS_KEY={}\n", ALL),
    ("shell before a command", "a.sh", "PGPASSWORD={} psql -h db\n", ALL),
    ("shell option", "a.sh", "run --password {} --port 80\n", ALL),
    ("shell option, tight", "a.sh", "run --api-key={} x\n", ALL),
    ("mysql -p", "a.sh", "mysql -u root -p{} db\n", ALL),
    ("sshpass", "a.sh", "sshpass -p {} ssh host\n", ALL),
    ("curl -u", "a.sh", "curl -u admin:{} https://x.org\n", ALL),
    ("curl --user", "a.sh", "curl --user 'admin:{}' https://x.org\n", ALL),
    ("curl header", "a.sh", "curl -H 'Authorization: Bearer {}' https://x.org\n", ALL),
    ("curl API key", "a.sh", 'curl -H "X-Api-Key: {}" https://x.org\n', ALL),
    ("docker login", "a.sh", "docker login -u me -p {} reg.org\n", ALL),
    ("openssl", "a.sh", "openssl rsa -passin pass:{} -in k\n", ALL),
    ("redis-cli", "a.sh", "redis-cli -h x -a {} ping\n", ALL),
    ("PowerShell", "a.ps1", '$password = "{}"\n', ALL),
    ("SecureString", "a.ps1", 'ConvertTo-SecureString "{}" -AsPlainText\n', ALL),
    ("batch", "a.bat", "set API_KEY={}\r\nrun\r\n", ALL),
    ("fish", "a.fish", "set -x DB_PASSWORD {}\n", ALL),
    ("Dockerfile ENV", "Dockerfile", "FROM x\nENV DB_PASS={}\n", ALL),
    ("Dockerfile ENV, space", "Dockerfile", "FROM x\nENV DB_PASS {}\n", ALL),
    ("Dockerfile ARG", "Dockerfile", "ARG TOKEN={}\n", ALL),
    ("Makefile", "Makefile", "API_KEY := {}\nall:\n", ALL),
    ("netrc", "login.txt", "machine x.org\n  login me\n  password {}\n", ALL),
    ("netrc, one line", "login.txt", "machine x.org login me password {}\n", ALL),
    ("npm", "npm.txt", "//registry.x.org/:_authToken={}\n", ALL),
    ("redis.conf", "redis.conf", "requirepass {}\n", ALL),
    ("Terraform", "a.tf", 'variable "x" {{}}\npassword = "{}"\n', ALL),
    ("nginx", "nginx.conf", 'proxy_set_header Authorization "Bearer {}";\n', ALL),
    ("XML element", "a.xml", "<db><password>{}</password></db>\n", ALL),
    ("XML attribute", "a.xml", '<db user="x" password="{}"/>\n', ALL),
    ("XML key and value", "a.xml", '<add key="ApiKey" value="{}" />\n', ALL),
    ("XML property", "a.xml", "<property><name>db.password</name><value>{}</value></property>\n", ALL),
    ("plist", "a.plist", "<key>apiToken</key>\n<string>{}</string>\n", ALL),
    ("HTML", "a.html", '<input name="csrf_token" value="{}">\n', (generated, hexadecimal, base64_key)),
    ("JSON", "a.json", '{{"user": "x", "password": "{}"}}\n', ALL),
    ("JSON pair", "a.json", '{{"name": "DB_PASSWORD", "value": "{}"}}\n', ALL),
    ("JSON in a string", "a.py", 'x = "{{\\"password\\": \\"{}\\"}}"\n', ALL),
    ("Python", "a.py", "password = '{}'\n", ALL),
    ("Python, annotated", "a.py", 'API_KEY: str = "{}"\n', ALL),
    ("Python, Final", "a.py", 'SECRET_KEY: Final[str] = "{}"\n', ALL),
    ("Python environ", "a.py", 'os.environ["DB_PASSWORD"] = "{}"\n', ALL),
    ("Python getenv", "a.py", 'key = os.getenv("API_TOKEN", "{}")\n', (generated, hexadecimal, base64_key)),
    ("Python bytes", "a.py", 'secret = b"{}"\n', ALL),
    ("Python raw", "a.py", "passphrase = r'{}'\n", ALL),
    ("Python, triple", "a.py", 'password = """{}"""\n', ALL),
    ("Python dict", "a.py", "x = {{'user': 'me', 'passwd': '{}'}}\n", ALL),
    ("Python argument", "a.py", "connect(host, user='me', password='{}')\n", ALL),
    ("Python, parentheses", "a.py", 'password = (\n    "{}"\n)\n', ALL),
    ("Python, compared", "a.py", "if password == '{}':\n    pass\n", ALL),
    ("Python comment", "a.py", "# password: {}\nx = 1\n", (generated, chosen, hexadecimal)),
    ("Python attribute", "a.py", "self.client_secret = '{}'\n", ALL),
    ("Python pair", "a.py", "headers = [('X-Auth-Token', '{}')]\n", ALL),
    ("Python header", "a.py", "headers = {{'Authorization': 'Bearer {}'}}\n", ALL),
    ("Python f-string", "a.py", "url = f'https://x.org/?access_token={}&v={{v}}'\n", ALL),
    ("Python, open", "a.py", "password = '{}\nx = 1\n", ALL),
    ("JavaScript", "a.js", "const accessKey = '{}';\n", ALL),
    ("JavaScript backticks", "a.js", "const password = `{}`;\n", ALL),
    ("JavaScript object", "a.js", "auth({{ user: 'x', pass: '{}' }});\n", ALL),
    ("JavaScript environment", "a.js", "process.env.API_SECRET = '{}';\n", ALL),
    ("JavaScript header", "a.js", "xhr.setRequestHeader('Authorization', 'Bearer {}');\n",
     (generated, hexadecimal, base64_key)),
    ("JavaScript comment", "a.js", "// db password: {}\n", (generated, chosen, hexadecimal)),
    ("TypeScript", "a.ts", "private readonly token: string = '{}';\n", ALL),
    ("Java", "A.java", 'private static final String DB_PASSWORD = "{}";\n', ALL),
    ("Java call", "A.java", 'config.setPassword("{}");\n', ALL),
    ("Java properties", "A.java", 'props.put("password", "{}");\n', ALL),
    ("Java annotation", "A.java", '@Value("${{api.key:x}}") String a; String apiKey="{}";\n', ALL),
    ("Kotlin", "a.kt", 'val apiKey: String = "{}"\n', ALL),
    ("Scala", "a.scala", 'val secretKey = "{}"\n', ALL),
    ("C#", "A.cs", 'var password = @"{}";\n', ALL),
    ("C# connection", "A.cs", 'var c = "Server=x;Database=d;User Id=me;Password={};Encrypt=true";\n', ALL),
    ("Azure storage", "A.cs", 'var c = "DefaultEndpointsProtocol=https;AccountKey={};EndpointSuffix=y";\n',
     (base64_key, generated)),
    ("Go", "a.go", 'password := "{}"\n', ALL),
    ("Go struct", "a.go", 'Config{{\n\tPassword: "{}",\n}}\n', ALL),
    ("Go raw", "a.go", "const token = `{}`\n", ALL),
    ("Go environment", "a.go", 'os.Setenv("DB_PASSWORD", "{}")\n', ALL),
    ("Rust", "a.rs", 'let password: &str = "{}";\n', ALL),
    ("Rust raw", "a.rs", 'const API_KEY: &\'static str = r#"{}"#;\n', ALL),
    ("C define", "a.h", '#define DB_PASSWORD "{}"\n', ALL),
    ("C define, bare", "a.h", "#define API_TOKEN {}\n", (generated, hexadecimal)),
    ("C pointer", "a.c", 'static const char *password = "{}";\n', ALL),
    ("C array", "a.c", 'char passphrase[] = "{}";\n', ALL),
    ("C++", "a.cpp", 'std::string apiKey{{"{}"}};\n', ALL),
    ("PHP define", "a.php", "define('DB_PASSWORD', '{}');\n", ALL),
    ("PHP array", "a.php", "$db['password'] = '{}';\n", ALL),
    ("PHP arrow", "a.php", "'secret' => '{}',\n", ALL),
    ("Ruby symbol", "a.rb", "config = {{ :password => '{}' }}\n", ALL),
    ("Ruby keyword", "a.rb", "connect(password: '{}')\n", ALL),
    ("Ruby environment", "a.rb", "ENV['SECRET_TOKEN'] = '{}'\n", ALL),
    ("Perl", "a.pl", "my $password = '{}';\n", ALL),
    ("Lua", "a.lua", "local password = [[{}]]\n", ALL),
    ("Swift", "a.swift", 'let apiKey: String = "{}"\n', ALL),
    ("Objective-C", "a.m", 'NSString *apiKey = @"{}";\n', ALL),
    ("R", "a.r", 'password <- "{}"\n', ALL),
    ("Lisp", "a.el", '(setq api-key "{}")\n', (generated, hexadecimal, base64_key)),
    ("Clojure", "a.clj", '{{:password "{}"}}\n', (generated, hexadecimal, base64_key)),
    ("Groovy", "a.gradle", 'storePassword "{}"\n', (generated, hexadecimal, base64_key)),
    ("CMake", "CMakeLists.txt", 'set(API_KEY "{}")\n', (generated, hexadecimal, base64_key)),
    ("SQL user", "a.sql", "CREATE USER me IDENTIFIED BY '{}';\n", ALL),
    ("SQL role", "a.sql", "CREATE ROLE me WITH PASSWORD '{}';\n", ALL),
    ("Vim", "a.vim", "let g:api_key = '{}'\n", ALL),
    ("URL", "a.py", "url = 'postgres://admin:{}@db.x.org/main'\n", (generated, chosen, hexadecimal)),
    ("URL, bare", "a.yaml", "url: mongodb+srv://admin:{}@db.x.org/main\n", (generated, chosen, hexadecimal)),
    ("URL, no user", "a.sh", "redis-connect redis://:{}@cache:6379/0\n", (generated, chosen, hexadecimal)),
    ("URL, token alone", "a.sh", "git clone https://{}@git.x.org/a/b\n", (generated, hexadecimal)),
    ("URL query", "a.py", "get('https://x.org/?user=me&password={}')\n", (generated, chosen, hexadecimal)),
    ("JDBC", "A.java", 'open("jdbc:mysql://x/d?user=me&password={}");\n', (generated, chosen, hexadecimal)),
    ("libpq", "a.py", "connect('host=db user=me password={} dbname=x')\n", (generated, chosen, hexadecimal)),
    ("libpq, bare", "a.conf", "primary_conninfo = 'host=db user=me password={}'\n", (generated, chosen, hexadecimal)),
    ("pgpass", "logins", "db.x.org:5432:main:me:{}\n", (generated, chosen, hexadecimal)),
    ("Basic header", "request.http", "GET / HTTP/1.1\nAuthorization: Basic {}\n\n", (base64_key, generated)),
    ("Bearer header", "request.http", "GET / HTTP/1.1\nAuthorization: Bearer {}\n\n", ALL),
    ("API header", "request.http", "GET / HTTP/1.1\nX-Api-Key: {}\n\n", ALL),
    ("cookie", "request.http", "Cookie: session={}; x=1\n", (generated, hexadecimal)),
    ("prose", "README.md", "Log in as admin, password: {}\n", ALL),
    ("code block", "README.md", "    export API_KEY={}\n", ALL),
    ("WireGuard", "vpn", "[Interface]\nPrivateKey = {}\n", (base64_key,)),
    ("JSON web key", "a.json", '{{"kty": "RSA", "d": "{}"}}\n', (lambda chooser: drawn(chooser, WORD, 86),)),
    ("Ethereum", "a.js", "const privateKey = '0x{}';\n", (lambda chooser: drawn(chooser, HEX, 64),)),
    ("nothing but entropy", "a.py", "call('{}')\n", (lambda chooser: drawn(chooser, ALNUM, 48),)),
    ("weak name", "a.py", "HMAC_SALT = '{}'\n", (generated, hexadecimal, base64_key)),
)  # fmt: skip
