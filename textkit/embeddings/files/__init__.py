"""Tables of vectors as other programs keep them: word2vec's text and binary, GloVe, fastText's .vec and .bin.

    table, form = read_table("glove.6B.50d.txt.gz")     # known by content, gzipped or not
    write_table(table, "vectors.vec", "word2vec")

One file a form; `gathering` makes a table of what the readers find.
"""
