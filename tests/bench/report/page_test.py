#!/usr/bin/env python3
"""The page as a browser, a screen reader and an attacker meet it.

  page_test.py REPORT_PAGES PAGE_CSS     REPORT_PAGES FOLDER writes the fixtures' pages (pages.cc)
"""

import base64
import functools
import hashlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
ELEMENTS = set(
    "html head meta title style body header p span small button h1 h2 h3 main nav ul li a section figure figcaption div details "
    "summary dl dt dd code b table thead tbody tr th td svg defs path line rect circle g text use script wbr".split())
PAGES = {}
STYLE = ""


class Tree(HTMLParser):
    """Elements as HTML reads them, which is not as XML does: that they nest all the same is what is tested."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


@functools.cache
def tree_of(page):
    tree = Tree()
    tree.feed(page)
    tree.close()
    return tree


def colours(scheme):
    """{name: (r, g, b)} of the custom properties of the style, for "light" or "dark"."""
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", STYLE)
    return {name: tuple(int((light if scheme == "light" else dark)[i:i + 2], 16) for i in (1, 3, 5)) for name, light, dark in found}


def luminance(colour):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055)**2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    darker, lighter = sorted((luminance(a), luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def on_every_page(test):

    def on_each(self):
        for name, page in PAGES.items():
            with self.subTest(page=name):
                test(self, page)

    return on_each


class EveryPage(unittest.TestCase):

    @on_every_page
    def test_is_well_formed_as_xml(self, page):
        ElementTree.fromstring(page.encode())

    @on_every_page
    def test_nests_as_html(self, page):
        self.assertEqual(tree_of(page).open, [])

    @on_every_page
    def test_refers_to_nothing_outside(self, page):
        self.assertNotRegex(page, r"(?i)https?://|url\(|@import|//[a-z]+\.[a-z]+/")
        for tag, attributes in tree_of(page).elements:
            self.assertNotIn("src", attributes)
            if "href" in attributes:
                self.assertRegex(attributes["href"], r"^#[\w-]+$", tag)

    @on_every_page
    def test_refers_only_to_what_is_there_once(self, page):
        elements = tree_of(page).elements
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        for _, attributes in elements:
            if "href" in attributes:
                self.assertIn(attributes["href"][1:], ids)

    @on_every_page
    def test_has_only_its_own_elements_and_no_handlers(self, page):
        elements = tree_of(page).elements
        self.assertEqual({tag for tag, _ in elements} - ELEMENTS, set())
        self.assertEqual([tag for tag, _ in elements].count("script"), 1)
        for tag, attributes in elements:
            self.assertEqual([name for name in attributes if name.startswith("on") or name == "style"], [], tag)

    @on_every_page
    def test_policy_admits_its_own_script_and_style_only(self, page):
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1).replace("&#39;", "'")
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        for tag in ("style", "script"):
            text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", policy)

    @on_every_page
    def test_has_numbers_where_numbers_belong(self, page):
        for tag, attributes in tree_of(page).elements:
            for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"):
                if name in attributes and tag != "meta":
                    self.assertRegex(attributes[name], r"^-?\d+(\.\d+)?%?$", f"{tag} {name}")
            for name in ("width", "r"):
                self.assertFalse(attributes.get(name, "0").startswith("-"), tag)
            if tag == "path" and "class" in attributes:
                self.assertRegex(attributes["d"], r"^[MLZ\d. -]+$")

    @on_every_page
    def test_has_a_name_for_every_drawing_and_one_headline(self, page):
        tags = []
        for tag, attributes in tree_of(page).elements:
            tags.append(tag)
            if attributes.get("role") == "img":
                self.assertTrue(attributes.get("aria-label"))
        self.assertEqual(tags.count("h1"), 1)
        self.assertEqual(tags.count("main"), 1)
        self.assertNotIn("<title></title>", page)

    @on_every_page
    def test_has_a_style_for_every_subject(self, page):
        for style in set(re.findall(r'class="(?:fill|line|band) ([\w-]+)"', page)):
            self.assertIn(f".{style} {{ --own: var(--{style});", STYLE)
            self.assertIn(f"  --{style}: light-dark(", STYLE)
            self.assertIn(f'id="mark-{style}"', page)


class HostilePage(unittest.TestCase):

    def test_shows_what_it_was_given_as_text(self):
        text = "".join(tree_of(PAGES["hostile.html"]).text)
        self.assertIn('<script>alert("1")</script>', text)
        self.assertIn("\"' onload='x' & &amp; </title></style></svg>", text)
        self.assertIn("samples are not numbers", text)
        self.assertIn("no samples", text)

    def test_lets_no_control_or_turn_of_direction_through(self):
        self.assertNotRegex(PAGES["hostile.html"], "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class FullPage(unittest.TestCase):

    def setUp(self):
        self.page = PAGES["full.html"]
        self.text = re.sub(r"\s+", " ", "".join(tree_of(self.page).text)).replace("\u202f", " ")

    def test_says_what_was_measured_on_what_and_what_was_left_out(self):
        for part in ("AMD EPYC 7763", "times the best of 5 peers", "Latency by percentile", "Packets lost by rate", "History",
                     "aead · seal · batch 64, by bytes", "generator saturated in 5 of 5 rounds", "permission denied", "91 200 000"):
            self.assertIn(part, self.text)

    def test_does_not_repeat_an_environment_that_is_the_same(self):
        self.assertEqual(self.text.count("AMD EPYC 7763"), 1)
        self.assertIn("Measured on something else", "".join(tree_of(PAGES["hostile.html"]).text))

    def test_gives_a_subject_one_colour(self):
        labels = re.findall(r'aria-label="([^":]+): [^"]*">(?:<line[^>]*>)*<rect class="fill ([\w-]+)"', self.page)
        self.assertGreater(len(labels), 20)
        styles = {}
        for subject, style in labels:
            self.assertEqual(styles.setdefault(subject, style), style)
        self.assertEqual(len(set(styles.values())), len(styles))


class EmptyPage(unittest.TestCase):

    def test_says_so(self):
        for name in ("empty.html", "none.html"):
            self.assertIn("Nothing was measured", PAGES[name])


class Colours(unittest.TestCase):

    def test_of_text_have_contrast(self):
        for scheme in ("light", "dark"):
            colour = colours(scheme)
            for paper in ("paper", "card"):
                for ink in ("ink", "soft", "accent", "warning"):
                    self.assertGreaterEqual(contrast(colour[ink], colour[paper]), 4.5, f"{ink} on {paper}, {scheme}")

    def test_of_marks_stand_out(self):
        for scheme in ("light", "dark"):
            colour = colours(scheme)
            for name in colour:
                if re.match(r"(ours|peer|limit)-", name):
                    self.assertGreaterEqual(contrast(colour[name], colour["paper"]), 3, f"{name}, {scheme}")

    def test_come_in_light_and_dark_only_as_pairs(self):
        outside = re.sub(r"light-dark\([^)]*\)", "", STYLE)
        self.assertNotRegex(outside, r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)")


if __name__ == "__main__":
    program, style = sys.argv[1:3]
    STYLE = Path(style).read_text()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        PAGES = {path.name: path.read_text() for path in sorted(Path(folder).glob("*.html"))}
    unittest.main(argv=sys.argv[:1])
