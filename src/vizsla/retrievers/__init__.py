"""Queries to hits. A wrapper takes a retriever and is one.

Knows encoders' and indexes' doors; refuses to know which ones stand behind them.
"""
