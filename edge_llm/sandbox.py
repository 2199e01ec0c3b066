"""A Jinja environment for templates nobody vouches for: no files, no network, and bounded in time, memory and output.

Jinja's own sandbox keeps a template away from Python's internals; it does not stop one that loops forever or doubles a
string sixty times. Python cannot interrupt C code, so no single operation may become large:

* Every value a template can make has at most `Budget.size` units when written out (`measure`), checked *before* an
  operation that multiplies (repetition, padding, joining, replacing) and after any other that can grow.
* Every operation that takes time in proportion to its values, and every turn of a loop, looks at the clock.
* What is written, in total and into blocks and macros too, is counted.

The checks are compiled into the template: its syntax tree is rewritten once, and a normal render pays microseconds.
Only filters and methods whose growth is understood are there; chat templates need no others.
"""

from __future__ import annotations

import functools
import re
import string
import types
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from jinja2 import Template, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer

from edge_llm.budget import INTEGER_BITS, BoundExceededError, Budget, measure

_AMPLIFIER = 128
"""Largest number that says how often or how wide, as in `indent(4)`, and longest text that is used for each character."""
_FILTERS = frozenset({
    "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape", "first", "float",
    "forceescape", "format", "groupby", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max",
    "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string",
    "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "wordcount",
})  # fmt: skip
_AMPLIFYING_FILTERS = frozenset({"batch", "center", "indent", "round", "slice", "tojson", "trim"})
_METHODS = frozenset({
    "capitalize", "casefold", "copy", "count", "endswith", "find", "format", "format_map", "get", "index", "isalnum",
    "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "items", "join",
    "keys", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition",
    "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "values",
})  # fmt: skip
_WIDE_PERCENT = re.compile(r"%[^%a-zA-Z]*\*|(?<!\d)\d{3,}[.a-zA-Z%]")
_WIDE_SPEC = re.compile(r"\d{3,}|\{")
_UNBOUNDED_NODES = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport, nodes.EvalContextModifier)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Renders templates within a budget. Not re-entrant: one render at a time."""

    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(
        self, *, extensions: Iterable[type[Extension]], globals_: Mapping[str, object], tojson: Callable[..., str]
    ) -> None:
        # optimized would run the template's constant expressions while compiling, outside any budget
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=list(extensions), optimized=False)
        self.budget = Budget(0, 0.0)
        del self.globals["lipsum"]
        self.globals.update({"namespace": _QuietNamespace, **globals_})
        known = {**self.filters, "tojson": tojson}
        self.filters = {name: self._bounded_filter(name, known[name]) for name in _FILTERS}
        # no template can name these: they are not identifiers
        self.filters |= {"=time": self._timed, "=value": self._measured, "=write": self._written, "=join": self._joined}
        self.tests = {name: self._timed_test(test) for name, test in self.tests.items()}

    def compile_bounded(self, source: str) -> Template:
        """The template with the checks compiled in. Raises jinja2.TemplateSyntaxError and what `compile` raises."""
        tree = _CheckInserter().visit(self.parse(source))
        tree.set_environment(self)
        return Template.from_code(self, self.compile(tree), self.make_globals(None))

    def render_bounded(self, template: Template, variables: Mapping[str, object], budget: Budget) -> str:
        """The output of a template from `compile_bounded`. Raises jinja2.TemplateError and what its operations raise."""
        self.budget = budget
        text = template.render(variables)
        budget.check_size(len(text))
        return text

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, macro or method for the template."""
        if isinstance(function, types.BuiltinMethodType | types.MethodType):
            self._check_method(function.__self__, function.__name__, args)
        # the loop's own variables travel along with every call; the template did not make them now
        self.budget.check_value((args, [value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")]))
        result = super().call(context, function, *args, **kwargs)
        self.budget.check_value(result)
        return result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply one of `intercepted_binops`, once its result is known to be small."""
        self.budget.check_time()
        if isinstance(left, int | float) and isinstance(right, int | float):
            _check_number(operator, left, right)
        elif operator == "+":
            self._check_growth(self._measure(left) + self._measure(right))
        elif operator == "*":
            times, value = (left, right) if isinstance(left, int) else (right, left)
            size = len(value) if isinstance(value, str) else self._measure(value)
            self._check_growth(size * times if isinstance(times, int) else 0)
        elif operator == "%" and isinstance(left, str):
            self._check_percent(left, right)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The sandbox's `str.format`, with bounded widths."""
        inner = super().wrap_str_format(value)
        if inner is None:
            return None

        @functools.wraps(inner)
        def format_bounded(*args: Any, **kwargs: Any) -> str:
            text: str = value.__self__
            fields = [spec or "" for _, name, spec, _ in string.Formatter().parse(text) if name is not None]
            if any(map(_WIDE_SPEC.search, fields)):
                raise BoundExceededError("it formatted text to a great width")
            self._check_growth(len(text) + len(fields) * self._measure((args, kwargs)))
            return inner(*args, **kwargs)

        return format_bounded

    def _measure(self, value: object) -> int:
        return measure(value, self.budget.size)

    def _check_growth(self, size: int) -> None:
        """Before a value of at most `size` units is made."""
        self.budget.check_size(size)
        self.budget.count_made(size)

    def _check_method(self, owner: object, name: str, args: tuple[Any, ...]) -> None:
        if isinstance(owner, str | bytes | int | float | list | tuple | range | Mapping | Set | type):
            if name not in _METHODS:
                raise SecurityError(f"the method {name!r} is not available to chat templates")
            if isinstance(owner, str):
                self.budget.count_made(len(owner))  # a copy, or the pieces of one
                if name == "replace":
                    self._check_replace(owner, *args[:2])
                elif name == "join":
                    self._check_join(args[0] if args else (), owner)
                elif name in ("strip", "lstrip", "rstrip"):
                    _check_amplifiers(name, args)  # each character is looked up among the given ones

    def _check_replace(self, text: object, old: object = "", new: object = "") -> None:
        if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
            self._check_growth(len(text) + text.count(old) * max(0, len(new) - len(old)))

    def _check_join(self, items: Any, separator: object = "") -> None:
        count = len(items) if hasattr(items, "__len__") else 0
        self._check_growth(self._measure(items) + count * self._measure(separator))

    def _check_percent(self, text: str, values: object) -> None:
        if _WIDE_PERCENT.search(text):
            raise BoundExceededError("it formatted text to a great width")
        self._check_growth(len(text) + text.count("%") * self._measure(values))

    def _bounded_filter(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        implicit = int(hasattr(function, "jinja_pass_arg"))

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            self.budget.check_time()
            self._check_filter(name, args[implicit:], kwargs)
            result = function(*args, **kwargs)
            if isinstance(result, types.GeneratorType | reversed):
                result = list(result)
            self.budget.check_value(result)
            return result

        return bounded

    def _check_filter(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        if name == "replace":
            given = {**dict(zip(("s", "old", "new"), map(str, args), strict=False)), **kwargs}
            self._check_replace(given.get("s"), given.get("old"), given.get("new"))
        elif name == "join":
            self._check_join(args[0], kwargs.get("d", args[1] if len(args) > 1 else ""))
        elif name == "format":
            self._check_percent(str(args[0]), (args[1:], kwargs))
        elif name == "sum" and any(isinstance(value, list | tuple) for value in (*args[1:], *kwargs.values())):
            raise SecurityError("the filter 'sum' adds numbers only")
        elif name in _AMPLIFYING_FILTERS:
            _check_amplifiers(name, (*args[1:], *kwargs.values()))

    def _timed_test(self, function: Any) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self.budget.check_time()
            return function(*args, **kwargs)

        return timed

    # The checks that `_CheckInserter` compiles in. `pass_context` keeps Jinja from running them while compiling.

    @pass_context
    def _timed(self, _context: Context, value: Any) -> Any:
        self.budget.check_time()
        return value

    @pass_context
    def _measured(self, _context: Context, value: Any) -> Any:
        self.budget.check_value(value)
        return value

    @pass_context
    def _written(self, _context: Context, value: Any) -> Any:
        self.budget.check_time()
        text = value if isinstance(value, str) else str(value)
        self.budget.count_made(len(text))
        return text

    @pass_context
    def _joined(self, _context: Context, values: list[Any]) -> str:
        self.budget.check_time()
        self._check_growth(self._measure(values))
        return "".join(map(str, values))


def _check_amplifiers(name: str, values: Iterable[object]) -> None:
    for value in values:
        if (value if isinstance(value, int) else len(value) if isinstance(value, str) else 0) > _AMPLIFIER:
            raise BoundExceededError(f"it called {name!r} with more than {_AMPLIFIER}")


def _check_number(operator: str, left: float, right: float) -> None:
    if not isinstance(left, int) or not isinstance(right, int):
        return
    if operator == "**":
        bits = left.bit_length() * right
    else:
        bits = left.bit_length() + right.bit_length() if operator == "*" else max(left.bit_length(), right.bit_length()) + 1
    if bits > INTEGER_BITS:
        raise BoundExceededError(f"it made a number of more than {INTEGER_BITS} bits")


class _QuietNamespace(Namespace):
    """Jinja's `namespace`. It alone can hold itself, so it does not write out what it holds."""

    def __repr__(self) -> str:
        return "<Namespace>"


class _CheckInserter(NodeTransformer):
    """Rewrites a syntax tree so that every node that can take long or grow is checked (see `BoundedEnvironment`)."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        """The rewritten node. Raises jinja2.TemplateSyntaxError for one that leads out of the template."""
        if isinstance(node, _UNBOUNDED_NODES):
            raise TemplateSyntaxError("chat templates cannot load other templates or switch escaping on", node.lineno)
        self.generic_visit(node, *args, **kwargs)
        match node:
            case nodes.Output():
                node.nodes = [_checked("=write", item) for item in node.nodes]
            case nodes.For():
                node.body.insert(
                    0, nodes.ExprStmt(_checked("=time", nodes.Const(None, lineno=node.lineno)), lineno=node.lineno)
                )
                node.test = None if node.test is None else _checked("=time", node.test)
            case nodes.Concat():
                return _checked("=join", nodes.List(node.nodes, lineno=node.lineno))
            case nodes.List() | nodes.Dict() | nodes.Tuple(ctx="load"):
                return _checked("=value", node)
            case nodes.Compare() | nodes.Getitem():
                return _checked("=time", node)
        return node


def _checked(check: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, check, [], [], None, None, lineno=node.lineno)
