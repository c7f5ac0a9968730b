# usage: bash offers.bash FOLDER LINE: what bash offers at the end of LINE, one candidate per line
source "$1/smtrain.bash" || exit 1
COMP_WORDS=()
for word in $2; do
  # as readline splits: an equals sign is a word of its own
  if [[ $word == *=* ]]; then
    COMP_WORDS+=("${word%%=*}" =)
    [[ -n ${word#*=} ]] && COMP_WORDS+=("${word#*=}")
  else
    COMP_WORDS+=("$word")
  fi
done
[[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_smtrain 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
