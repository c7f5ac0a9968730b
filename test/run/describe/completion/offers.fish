# usage: fish --no-config offers.fish FOLDER LINE: what fish offers at the end of LINE, one candidate per line
source $argv[1]/smtrain.fish
for offer in (complete -C $argv[2])
    string split -f 1 \t -- $offer
end
