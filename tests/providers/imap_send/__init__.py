"""Linking, submission, sent copies and drafts of the IMAP adapter."""
