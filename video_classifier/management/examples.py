"""Commands whose `--help` ends with examples."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand


class CommandWithExamples(BaseCommand):
    examples: str

    def create_parser(self, *args: Any, **options: Any) -> Any:
        options |= {"epilog": self.examples, "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(*args, **options)
