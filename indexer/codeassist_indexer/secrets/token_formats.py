"""Formats by which services mark their keys and tokens, so that one is known wherever it stands.

The formats are facts published by the services and collected in the rule sets of gitleaks and TruffleHog. Texts and
offsets are bytes (UTF-8). Every search takes time linear in the text: RE2, and runs of characters that are passed over
once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

_RUNS = {
    "hex": re.compile(rb"[0-9a-fA-F]*"),
    "upper": re.compile(rb"[0-9A-Z]*"),
    "alnum": re.compile(rb"[0-9A-Za-z]*"),
    "word": re.compile(rb"[0-9A-Za-z_-]*"),
    "dotted": re.compile(rb"[0-9A-Za-z_.~=-]*"),
    "base64": re.compile(rb"[0-9A-Za-z+/_=-]*"),
    "path": re.compile(rb"[0-9A-Za-z+/_.@$=-]*"),
}

# How a token starts, what characters may follow, and how many do at least. Most are longer.
_STARTS: tuple[tuple[str, int, str], ...] = (
    ("upper", 16, "AKIA ASIA ABIA ACCA AROA AIDA AGPA ANPA"),  # AWS
    ("base64", 100, "ABSK"),  # AWS Bedrock
    ("base64", 20, "bedrock-api-key-"),
    ("alnum", 30, "ghp_ gho_ ghu_ ghs_ ghr_"),  # GitHub
    ("word", 22, "github_pat_"),
    ("dotted", 18, "glpat- gldt- glft- glimt- glagent- gloas- glptt- glrt- glsoat- glcbt- glffct- GR1348941"),  # GitLab
    ("dotted", 10, "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.xox xapp-"),  # Slack
    ("path", 20, "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/"),
    ("path", 30, "discord.com/api/webhooks/ discordapp.com/api/webhooks/"),
    ("path", 30, "webhook.office.com/webhookb2/ hooks.zapier.com/hooks/catch/"),
    ("word", 30, "AIza"),  # Google
    ("dotted", 20, "ya29. GOCSPX-"),
    ("word", 30, "1//0"),
    ("word", 20, "sk-proj- sk-svcacct- sk-admin- sk-ant- sk-or-v1- sk-lf- pk-lf-"),  # OpenAI, Anthropic and others
    ("alnum", 20, "sk-"),
    ("word", 20, "gsk_ xai- pplx- nvapi- tvly- jina_ fw_ e2b_ csk- lsv2_pt_ lsv2_sk_ phx_ phc_ ops_eyJ"),
    ("alnum", 28, "hf_ api_org_ r8_"),
    ("word", 50, "pypi-"),
    ("alnum", 32, "npm_ rubygems_ CLOJARS_ cio"),
    ("alnum", 43, "oy2"),  # NuGet
    ("word", 20, "dckr_pat_ dckr_oat_"),
    ("hex", 60, "dop_v1_ doo_v1_ dor_v1_"),  # DigitalOcean
    ("dotted", 34, "SG. xkeysib- xsmtpsib-"),
    ("hex", 32, "key- pubkey-"),  # Mailgun
    ("alnum", 10, "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_"),  # Stripe
    ("base64", 20, "whsec_"),
    ("hex", 30, "shpat_ shpca_ shppa_ shpss_ dapi"),  # Shopify, Databricks
    ("word", 20, "sq0atp- sq0csp- sq0idp-"),
    ("word", 54, "EAAA EAAM EAAC"),  # Square, Facebook
    ("path", 16, "access_token$production$ access_token$sandbox$"),  # Braintree
    ("dotted", 20, "hvs. hvb. hvr."),  # Vault
    ("dotted", 30, "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit."),  # Doppler
    ("upper", 50, "AGE-SECRET-KEY-1 AGE-SECRET-KEY-PQ-1"),
    ("base64", 40, "RWRTY0Iy"),  # minisign
    ("dotted", 24, "ATATT3 ATCTT3 ATBB"),  # Atlassian
    ("alnum", 12, "LTAI AKID"),  # Alibaba, Tencent
    ("alnum", 32, "lin_api_ lin_oauth_ ntn_"),
    ("word", 36, "figd_ figu_"),
    ("word", 32, "PMAK-"),
    ("dotted", 24, "dt0c01. dt0s01. dt0s02. dt0s08. dt0s16."),  # Dynatrace
    ("word", 19, "NRAK- NRII- NRJS- NRRA- NRSP-"),  # New Relic
    ("base64", 40, "sntrys_ sntryu_ glc_ eyJrIjoi"),
    ("word", 32, "glsa_ pnu_ pnb_ tfp_ fio-u- CFPAT- rdme_ bkua_ CCIPAT_ nfp_ nfc_ nfo_ sbp_ sb_secret_ napi_ rnd_"),
    ("dotted", 30, "pscale_tkn_ pscale_oauth_ pscale_pw_"),
    ("hex", 38, "pul- shippo_live_ shippo_test_ squ_ sqp_ sqa_"),
    ("base64", 43, "fo1_ fm1r_ fm1a_ fm2_"),  # Fly.io
    ("word", 40, "HRKU-AA duffel_test_ duffel_live_ sm_aat_ sm_pat_ sm_sat_ tk-us- v1.0- ddp_ ddw_ vk1.a. waka_"),
    ("alnum", 50, "EZAK EZTK AKCp cmVmd"),
    ("word", 12, "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST-"),
    ("word", 30, "ico- p8e- sha256~ sgp_ AQVN y0_Ag vcp_ vci_ vck_"),
    ("word", 14, "rzp_live_ rzp_test_"),  # Razorpay
    ("word", 30, "access-sandbox- access-development- access-production-"),  # Plaid
    ("base64", 30, "AAAAAAAAAAAAAAAAAAAAA"),  # Twitter
    ("dotted", 40, "sk.eyJ tk.eyJ"),  # Mapbox
    ("base64", 20, "dG9rOj"),  # Intercom
    ("word", 32, "pat-na1- pat-eu1- pat-ap1-"),  # HubSpot
    ("base64", 90, "sl.u. sl.B"),  # Dropbox
    ("word", 20, "tskey-auth- tskey-api- tskey-client- tskey-"),  # Tailscale
    ("word", 19, "AVNS_"),  # Aiven
    ("alnum", 90, "xprv yprv zprv tprv"),  # Bitcoin's extended keys
    ("base64", 40, "b3BlbnNzaC1rZXktdjE"),  # an OpenSSH key, whatever stands around it
    ("dotted", 40, "eyJ"),  # JSON Web Token
)
_FORMATS = {start.encode(): (kind, least) for kind, least, starts in _STARTS for start in starts.split()}
_ANY_START = b"(?:" + b"|".join(re2.escape(start) for start in sorted(_FORMATS, key=len, reverse=True)) + b")"
_START = re2.compile(_ANY_START)
_START_AND_MORE = re2.compile(_ANY_START + rb"[0-9A-Za-z+/_.@$~=-]{10}")  # the shortest has so many
_MOST_CHARS = 512  # of a token that is being written, before the cursor
_ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset(b"0123456789")
_NEEDS_DIGIT = frozenset({b"sk-", b"cio", b"oy2", b"AKID", b"LTAI", b"fw_", b"r8_", b"sgp_", b"ico-"})

# Tokens without a start of their own: what stands before and after is none of their characters.
_SHAPES = tuple(
    re2.compile(rb"(?:^|[^0-9A-Za-z_.~/+-])(" + shape + rb")(?:[^0-9A-Za-z_~/+-]|$)", options)
    for options in (re2.Options(),)
    for shape in (
        rb"[0-9]{8,10}:[0-9A-Za-z_-]{35}",  # Telegram
        rb"[MNO][0-9A-Za-z_-]{22,27}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,40}",  # Discord
        rb"(?:SK|AC|AP|PK)[0-9a-f]{32}",  # Twilio
        rb"[0-9a-f]{32}-us[0-9]{1,2}",  # Mailchimp
        rb"s\.[0-9A-Za-z]{24}",  # Vault, before 1.10
        rb"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=-]{60,70}",  # Terraform Cloud
        rb"pat[0-9A-Za-z]{14}\.[0-9a-f]{64}",  # Airtable
        rb"[0-2]/[0-9]{16}:[0-9a-f]{32}",  # Asana
        rb"[0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34}",  # Entra ID
        rb"A3-[0-9A-Z]{6}-[0-9A-Z-]{11,12}-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}",  # 1Password
        rb"API-[0-9A-Z]{26}",  # Octopus Deploy
        rb"(?:sdk|api|mob)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",  # LaunchDarkly
        rb"(?:pat|sat)\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z]{24}\.[0-9A-Za-z]{20}",  # Harness
        rb"[0-9A-Za-z]{6}_[0-9A-Za-z]{29}_mmk",  # MaxMind
        rb"00D[0-9A-Za-z]{12,15}![0-9A-Za-z_.]{60,120}",  # Salesforce
        rb"AAAA[0-9A-Za-z_-]{7}:[0-9A-Za-z_-]{100,180}",  # Firebase
        rb"re_[0-9A-Za-z]{8}_[0-9A-Za-z]{24}",  # Resend
        rb"oauth:[0-9a-z]{30}",  # Twitch
        rb"[5KL][1-9A-HJ-NP-Za-km-z]{50,51}",  # a Bitcoin key
        rb"\$(?:2[abxy]|[156y]|apr1|argon2id?|argon2i)\$[0-9A-Za-z$,=./+]{20,160}",  # hashed passwords
        rb"pbkdf2_sha[0-9]{1,3}\$[0-9]{1,8}\$[0-9A-Za-z$=./+]{20,160}",
    )
)


def token_spans(text: bytes, cursor: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield where tokens stand, from start to end. At `cursor` one may still be being written: its start is enough."""
    done = 0
    for found in _START_AND_MORE.finditer(text):
        start = found.start()
        if start < done or (start and text[start - 1] in _ALNUM):
            continue
        at, end, marker = _body(text, start)
        least = _FORMATS[marker][1]
        if end - at >= least and _is_plausible(marker, text[at:end]):
            yield start, end
            done = end
    for shape in _SHAPES:
        for found in shape.finditer(text):
            start, end = found.span(1)
            if not _DIGITS.isdisjoint(text[start + 2 : end]):
                yield start, end
    if cursor is not None:
        for found in _START.finditer(text, max(0, cursor - _MOST_CHARS), cursor):
            at, end, _ = _body(text, found.start())
            if at < cursor <= end and not (found.start() and text[found.start() - 1] in _ALNUM):
                yield found.start(), end


def _body(text: bytes, start: int) -> tuple[int, int, bytes]:
    """Where a token's characters behind its marker begin and end, and the marker."""
    at = _START.match(text, start).end()  # pyright: ignore[reportOptionalMemberAccess]
    marker = text[start:at]
    return at, _RUNS[_FORMATS[marker][0]].match(text, at).end(), marker  # pyright: ignore[reportOptionalMemberAccess]


def _is_plausible(marker: bytes, body: bytes) -> bool:
    if marker == b"eyJ":
        return body.count(b".") >= 2 or b".eyJ" in body
    if marker == b"SG.":
        return b"." in body
    return marker not in _NEEDS_DIGIT or not _DIGITS.isdisjoint(body)
