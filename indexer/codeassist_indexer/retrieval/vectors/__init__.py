"""Learned retrieval: vectors of texts and of places in files, close where the one helps to write the other."""
