"""The numbered questions of auditors (the review list): each one parameterised read over the log, with the columns that it answers."""

from referral_hub.review.questions.registry import GROUPS, NOT_BUILT, Question, every, question

__all__ = ["GROUPS", "NOT_BUILT", "Question", "every", "question"]
