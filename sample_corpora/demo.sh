#!/bin/sh
# The main job on the sample reviews: text -> tokens -> vectors -> a trained model -> predictions. `make demo` runs it.
set -eu
here=$(dirname "$0")
rm -rf demo
mkdir demo
echo "== 700 Korean reviews: tokenize | embed | pad | train"
textkit tokenize "$here/reviews_ko.tsv" --method wordpiece --vocab-size 4000 --save demo/tok \
  | textkit embed --method word2vec --dim 64 --save demo/vec \
  | textkit pad --length 32 \
  | textkit train classify --arch lstm --epochs 5 --save demo/model
echo
echo "== two new reviews"
printf '재밌게 봤다\n돈이 아깝다\n' | textkit predict demo/model
echo
echo "== 100 reviews that the model has not seen"
textkit evaluate demo/model "$here/reviews_ko_test.tsv"
echo
echo "== what was saved in demo/model"
textkit show demo/model
