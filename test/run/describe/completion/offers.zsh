# usage: zsh -f offers.zsh FOLDER LINE: what zsh offers at the end of LINE, one candidate per line
#
# Completion runs in an interactive shell on a pseudo-terminal; compadd, through which every candidate goes, is made to
# write them down.
zmodload zsh/zpty || exit 1
hits=$(mktemp)
zpty z "TERM=dumb zsh -f -i"
zpty -w z "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w z 'compadd() { local -a found; builtin compadd -O found "$@"; print -rl -- $found >> '$hits'; builtin compadd "$@" }'
zpty -w z "finish() { print DONE >> $hits; comppostfuncs=(finish) }; comppostfuncs=(finish)"
zpty -w z "bindkey '^I' complete-word; print REA''DY"
zpty -r -m z out '*READY*'
zpty -n -w z "$2"$'\t'
for ((i = 0; i < 200; i++)); do
  grep -q DONE $hits && break
  zpty -r -t z out
  sleep 0.05
done
zpty -d z
grep -v DONE $hits
rm -f $hits
