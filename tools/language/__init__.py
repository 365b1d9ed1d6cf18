"""The language of the project: spelling, style, and the lengths of sentences.

``python -m tools.language`` reads what people read (pages, the front matter of the repository,
assignments, comments, docstrings, messages) and prints one line a fault: file and line, the rule,
the sentence, and what to write instead. ``make lint`` runs it.

========================  =====================================================================
:mod:`~.prose_of`         what of a file is prose, and on which line each word stands
:mod:`~.spelling`         words that no British dictionary has, nor ``words.txt``
:mod:`~.style`            turns of phrase that we do not use: ``style.toml``
:mod:`~.lengths`          the lengths of a chapter's sentences, as :mod:`tools.prose` measures them
:mod:`tools.symbols`      symbols that are used before they are introduced
``excused.toml``          places where a rule is broken on purpose, each with its reason
========================  =====================================================================
"""
