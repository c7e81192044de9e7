"""Searching: the nearest vectors to one, exactly, in a table of words or a file of records.

rows.py        a matrix on disk and the rows of it that are nearest
words.py       a saved table of word vectors, mapped into memory
queries.py     what a line asks for: a word, `king - man + woman`
answering.py   the stage that answers questions about words
records.py     the stage that finds the nearest records of a file
picture.py     answers for people
"""
