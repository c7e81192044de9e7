"""Every command, method, architecture, task and format: its name, where it lives and one line of help.

This is the only list. `--help`, the choices of an option, the contract tests and the lazy imports all come from
it, so adding a method is one new file and one line here. Nothing is imported until it is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from textkit.errors import InputError, UsageError


class Entry(NamedTuple):
    target: str  # "module:attribute"
    help: str
    writes: bool = True  # of a format: whether it can be written too
    reads: bool = True  # of a format: whether it can be read

    def load(self) -> Any:
        module, attribute = self.target.split(":")
        return getattr(import_module(module), attribute)


class Registry(dict[str, Entry]):
    """A table of entries of one kind (`what` names the kind in messages)."""

    def __init__(self, what: str, entries: dict[str, Entry]) -> None:
        super().__init__(entries)
        self.what = what

    def find(self, name: str, where: str | None = None) -> Any:
        """Import and return what `name` stands for. If there is no such name: UsageError, or InputError if a file says it."""
        if name not in self and where is not None:
            raise InputError(f"no {self.what} is called {name!r} in this version", where=where, fix="update textkit")
        if name not in self:
            raise UsageError(f"no {self.what} is called {name!r}", fix=f"choose from {', '.join(self)}")
        return self[name].load()


COMMANDS = Registry(
    "command",
    {
        "tokenize": Entry("textkit.commands.tokenize:command", "Cut text into tokens, and ids of a vocabulary."),
        "detokenize": Entry("textkit.commands.detokenize:command", "Turn ids or tokens back into text."),
        "vectorize": Entry("textkit.commands.vectorize:command", "Turn tokens or text into weighted features."),
        "embed": Entry("textkit.commands.embed:command", "Learn or apply word vectors."),
        "pad": Entry("textkit.commands.pad:command", "Cut and fill ids to one length, with a mask."),
        "split": Entry("textkit.commands.split:command", "Deal records out to train, valid and test files."),
        "train": Entry("textkit.commands.train:command", "Train a model and save it with its whole chain."),
        "predict": Entry("textkit.commands.predict:command", "Label new records with a trained model."),
        "evaluate": Entry("textkit.commands.evaluate:command", "Measure a model, or predictions, against labels."),
        "similar": Entry("textkit.commands.similar:command", "Find the words or records that are nearest in meaning."),
        "show": Entry("textkit.commands.show:command", "Say what an artifact, a file or a stream is."),
        "convert": Entry("textkit.commands.convert:command", "Turn one format into another."),
        "pipe": Entry("textkit.commands.pipe:command", "Run several stages in one process."),
    },
)

# Stages are what a lineage and a bundle's chain are made of.
STAGES = Registry(
    "stage",
    {
        "tokenize": Entry("textkit.tokenizers.stage:Tokenize", "text -> tokens, ids"),
        "index": Entry("textkit.tokenizers.index:Index", "tokens -> ids"),
        "vectorize": Entry("textkit.vectorizers.stage:Vectorize", "tokens, text -> features"),
        "embed": Entry("textkit.embeddings.stage:Embed", "tokens -> vectors"),
        "pad": Entry("textkit.padding:Pad", "ids -> ids of one length, mask"),
        "detokenize": Entry("textkit.detokenizing:Detokenize", "ids, tokens -> output"),
        "predict": Entry("textkit.predicting:Predict", "records -> predictions"),
    },
)

TOKENIZERS = Registry(
    "tokenizer",
    {
        "words": Entry("textkit.tokenizers.words:Words", "Unicode words, numbers and punctuation of any script."),
        "whitespace": Entry("textkit.tokenizers.whitespace:Whitespace", "What stands between white space."),
        "chars": Entry("textkit.tokenizers.chars:Chars", "Characters as one sees them, white space too."),
        "regex": Entry("textkit.tokenizers.regex:Regex", "The matches of -s pattern=..., as Oniguruma reads it."),
        "jamo": Entry("textkit.tokenizers.jamo:Jamo", "Hangul as jamo, all else as chars; with subwords: their -s normalize=nfd."),
        "morphs": Entry("textkit.tokenizers.morphs:Morphs", "Korean morphemes; needs pip install textkit[ko]."),
        "wordpiece": Entry("textkit.tokenizers.wordpiece:WordPiece", "Subwords by longest match, as in BERT."),
        "bpe": Entry("textkit.tokenizers.bpe:BPE", "Subwords by merges of frequent pairs, spaces kept as in sentencepiece."),
        "unigram": Entry("textkit.tokenizers.unigram:Unigram", "Subwords of the most probable segmentation, as in sentencepiece."),
        "byte-bpe": Entry("textkit.tokenizers.byte_bpe:ByteBPE", "Subwords by merges of bytes, as in GPT-2: nothing is unknown."),
        "pretrained": Entry("textkit.tokenizers.pretrained:Pretrained", "Another program's tokenizer, through --load."),
    },
)

VECTORIZERS = Registry(
    "vectorizer",
    {
        "tfidf": Entry("textkit.vectorizers.tfidf:Tfidf", "Terms count the more, the fewer records have them."),
        "counts": Entry("textkit.vectorizers.counts:Counts", "How often each term occurs."),
        "binary": Entry("textkit.vectorizers.binary:Binary", "Whether a term occurs."),
        "hashing": Entry("textkit.vectorizers.hashing:Hashing", "Terms hashed to columns: nothing is learned."),
    },
)

EMBEDDINGS = Registry(
    "embedding",
    {
        "word2vec": Entry("textkit.embeddings.word2vec:Word2Vec", "Skip-gram and CBOW word vectors."),
        "fasttext": Entry("textkit.embeddings.fasttext:FastText", "Word vectors of character n-grams, or of jamo: new words have one too."),
        "doc2vec": Entry("textkit.embeddings.doc2vec:Doc2Vec", "Paragraph vectors: of words, and of records with --pool doc."),
        "lsa": Entry("textkit.embeddings.lsa:LSA", "TF-IDF decomposed: of words, and of records with --pool doc."),
        "onehot": Entry("textkit.embeddings.onehot:OneHot", "A column a word, of the most frequent ones."),
        "pretrained": Entry("textkit.embeddings.pretrained:Pretrained", "Another program's vectors, through --load."),
    },
)

TASKS = Registry(
    "task",
    {
        "classify": Entry("textkit.tasks.classify:Classify", "One label for a record."),
        "tag": Entry("textkit.tasks.tag:Tag", "One label for each word."),
    },
)

ARCHS = Registry(
    "architecture",
    {
        "lstm": Entry("textkit.archs.lstm:LSTM", "Long short-term memory over embedded tokens."),
        "gru": Entry("textkit.archs.gru:GRU", "Gated recurrent units over embedded tokens."),
        "rnn": Entry("textkit.archs.rnn:RNN", "Simple recurrent network over embedded tokens."),
        "cnn": Entry("textkit.archs.cnn:CNN", "Filters over windows of tokens, the strongest finding of each."),
        "cnn-rnn": Entry("textkit.archs.cnn_rnn:CNNRNN", "Filters and pooling, then a recurrent layer."),
        "transformer": Entry("textkit.archs.transformer:Transformer", "Layers of self-attention over embedded tokens."),
        "mlp": Entry("textkit.archs.mlp:MLP", "Fully connected layers over vectors, features or averaged tokens."),
        "linear-bow": Entry("textkit.archs.linear_bow:LinearBow", "Averaged token vectors and a linear layer, as fastText."),
        "logreg": Entry("textkit.classic.logreg:LogisticRegression", "Logistic regression on features or vectors."),
        "svm": Entry("textkit.classic.svm:SVM", "Linear support vector machine on features or vectors."),
        "nb": Entry("textkit.classic.nb:NaiveBayes", "Naive Bayes on features, multinomial or complement."),
        "nbsvm": Entry("textkit.classic.nbsvm:NBSVM", "SVM on features scaled by naive Bayes ratios."),
        "sgd": Entry("textkit.classic.sgd:SGD", "Linear model learned batch by batch, of any number of records."),
    },
)

# In the order in which they are asked whether the first bytes of an input prove that it is theirs.
FORMATS = Registry(
    "format",
    {
        "arrow": Entry("textkit.streams.formats.arrow:Arrow", "Arrow IPC stream or file"),
        "parquet": Entry("textkit.streams.formats.parquet:Parquet", "Parquet, all fields typed"),
        "jsonl": Entry("textkit.streams.formats.jsonl:JsonLines", "one JSON object a line"),
        "json": Entry("textkit.streams.formats.json:JsonArray", "one JSON array of objects", writes=False),
        "fasttext": Entry("textkit.streams.formats.fasttext:FastText", "__label__ words, then text"),
        "conllu": Entry("textkit.streams.formats.conllu:ConllU", "CoNLL-U, Universal Dependencies"),
        "conll": Entry("textkit.streams.formats.conll:Conll", "a token and its tag a line, as CoNLL-2003"),
        "svmlight": Entry("textkit.streams.formats.svmlight:SvmLight", "label and sparse features a line, indices from 1"),
        "npz": Entry("textkit.streams.formats.npz:Npz", "sparse features as scipy.sparse.load_npz reads them", reads=False),
        "tsv": Entry("textkit.streams.formats.table:Tsv", "tab-separated columns, unquoted"),
        "csv": Entry("textkit.streams.formats.table:Csv", "comma-separated columns, RFC 4180"),
        "text": Entry("textkit.streams.formats.text:Text", "one record a line"),
    },
)
READ = tuple(name for name, entry in FORMATS.items() if entry.reads)
WRITTEN = tuple(name for name, entry in FORMATS.items() if entry.writes)
