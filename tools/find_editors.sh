#!/usr/bin/env bash
# Prints which of the wanted editors are here, separated by commas. Installs those that Debian has when run as root, and
# says on stderr which ones will not be tried, and why.
# Usage: find_editors.sh eglot,lsp-mode,helix,vim-lsp,kakoune FOLDER_OF_VIM_LSP
set -euo pipefail

has_packages() {
  dpkg-query --show --showformat='${db:Status-Status}\n' "$@" 2>/dev/null | grep -cx installed | grep -qx "$#"
}

# install PACKAGE...: returns 1 where they cannot be had.
install() {
  if has_packages "$@"; then return 0; fi
  if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    echo "install them first: sudo apt-get install $*" >&2
    return 1
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } >&2
}

# Emacs has eglot of its own from version 29 on.
install_eglot() {
  if command -v emacs >/dev/null && emacs -Q --batch --eval "(require 'eglot)" 2>/dev/null; then return 0; fi
  install emacs-nox elpa-eglot || install emacs-nox
}

found=()
for editor in ${1//,/ }; do
  case $editor in
    eglot) install_eglot ;;
    lsp-mode) install emacs-nox elpa-lsp-mode elpa-company ;;
    helix) command -v hx >/dev/null || install hx ;;
    vim-lsp) [[ -d $2 ]] && { command -v vim >/dev/null || install vim-nox; } ;;
    kakoune) command -v kak-lsp >/dev/null && { command -v kak >/dev/null || install kakoune; } ;;
    *) echo "no editor $editor" >&2 && exit 2 ;;
  esac && found+=("$editor") || echo "$editor will not be tried: it is not here" >&2
done
((${#found[@]})) || exit 1
(IFS=, && echo "${found[*]}")
