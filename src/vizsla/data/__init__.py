"""Files of the field to records, and records to a corpus, judgements, runs and splits.

Knows layouts, encodings and what can be wrong with a record; says and counts what is. Refuses to
know languages, vectors and models. Import the file you need: `vizsla.data.corpus`.
"""
