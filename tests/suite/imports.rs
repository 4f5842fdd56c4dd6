//! Who imports whom: the files of `src`, read from their `use` statements and from the paths in their code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files of a source tree by their paths below it, without comments and unit tests.
pub type Tree = BTreeMap<String, String>;

/// Which file imports which, and by what names.
pub type Graph = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Whether a file is Rust that is compiled into the program; the unit tests of a long file stand beside it.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs")
}

/// Every Rust file below `src`.
pub fn tree() -> Tree {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut tree = Tree::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if is_source(&path) {
                let name = path.strip_prefix(&src).unwrap().to_string_lossy().into();
                tree.insert(name, code(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    tree
}

/// A file without the parts that are compiled only for tests.
pub fn without_tests(text: &str) -> String {
    let mut parts = text.split("#[cfg(test)]\n");
    let mut left: String = parts.next().unwrap().into();
    for part in parts {
        let line = part.lines().next().unwrap_or_default();
        let end = match line.ends_with(';') {
            true => Some(line.len()),
            // Indented lines are inside the item.
            false => part.find("\n}").map(|end| end + 2),
        };
        left.push_str(&part[end.expect("an item has an end")..]);
    }
    left
}

/// The code of a file: without comments, texts and unit tests.
pub fn code(text: &str) -> String {
    let text = without_tests(text);
    let mut code = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' if rest.peek() == Some(&'/') => {
                while rest.peek().is_some_and(|c| *c != '\n') {
                    rest.next();
                }
            }
            '"' => {
                code.push_str("\"\"");
                while let Some(c) = rest.next() {
                    match c {
                        '\\' => drop(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            // A quote as a character must not begin a text.
            '\'' => {
                let mut ahead = rest.clone();
                match (ahead.next(), ahead.next()) {
                    (Some('\\'), _) => {
                        rest.next();
                        rest.next();
                        while rest.next().is_some_and(|c| c != '\'') {}
                    }
                    (Some(_), Some('\'')) => {
                        rest.next();
                        rest.next();
                    }
                    // A lifetime.
                    _ => code.push(c),
                }
            }
            c => code.push(c),
        }
    }
    code
}

/// The words and signs of the code.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            c if is_part(c) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            c => c.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

/// A path, and its name in this file.
type Named = (Vec<String>, String);

/// The paths of one `use`, up to its semicolon.
fn branches(words: &[&str], place: &mut usize, before: &[String], found: &mut Vec<Named>) {
    let mut path = before.to_vec();
    while let Some(word) = words.get(*place) {
        *place += 1;
        match *word {
            "::" => {}
            "{" => loop {
                branches(words, place, &path, found);
                match words.get(*place - 1) {
                    Some(&",") if words.get(*place) == Some(&"}") => {
                        *place += 2;
                        return;
                    }
                    Some(&",") => {}
                    // The word after the closing brace belongs to the level outside.
                    _ => {
                        *place += 1;
                        return;
                    }
                }
            },
            "as" => {
                let name = words.get(*place).map_or("_", |name| name);
                found.push((path, name.to_string()));
                *place += 2;
                return;
            }
            "," | ";" | "}" => {
                // `self` in braces stands for the path before them.
                if path.last().is_some_and(|last| last == "self") && !before.is_empty() {
                    path.pop();
                }
                let name = path.last().cloned().unwrap_or_default();
                if path.len() > before.len() || path.as_slice() == before && !before.is_empty() {
                    found.push((path, name));
                }
                return;
            }
            word => path.push(word.to_owned()),
        }
    }
}

/// What a file says about others: its `use` paths, the ones that it re-exports, and the paths in its code.
struct Said {
    uses: Vec<Named>,
    hands_on: Vec<Named>,
    paths: Vec<Vec<String>>,
    modules: BTreeSet<String>,
}

fn said(code: &str) -> Said {
    let words = words(code);
    let mut said = Said {
        uses: Vec::new(),
        hands_on: Vec::new(),
        paths: Vec::new(),
        modules: BTreeSet::new(),
    };
    let mut place = 0;
    while place < words.len() {
        let before = |back: usize| place.checked_sub(back).map_or("", |place| words[place]);
        match words[place] {
            "use" => {
                let is_handed_on = before(1) == "pub" || before(1) == ")";
                place += 1;
                let mut found = Vec::new();
                branches(&words, &mut place, &[], &mut found);
                if is_handed_on {
                    said.hands_on.extend(found.clone());
                }
                said.uses.extend(found);
                continue;
            }
            "mod" if words.get(place + 2) == Some(&";") => {
                said.modules.insert(words[place + 1].to_owned());
            }
            word if words.get(place + 1) == Some(&"::") && before(1) != "::" => {
                let mut path = vec![word.to_owned()];
                while words.get(place + 1) == Some(&"::")
                    && words.get(place + 2).is_some_and(|next| {
                        next.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    })
                {
                    path.push(words[place + 2].to_owned());
                    place += 2;
                }
                said.paths.push(path);
            }
            _ => {}
        }
        place += 1;
    }
    said
}

/// The module that a file is: `service::guard::access`.
fn module(file: &str) -> Vec<String> {
    let parts = file.trim_end_matches(".rs").split('/');
    let mut parts: Vec<String> = parts.map(Into::into).collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        parts.pop();
    }
    parts
}

/// The reader of a tree.
struct Reader<'a> {
    files: BTreeMap<Vec<String>, &'a str>,
    said: BTreeMap<&'a str, Said>,
    tree: &'a Tree,
}

impl<'a> Reader<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self {
            files: tree
                .keys()
                .map(|file| (module(file), file.as_str()))
                .collect(),
            said: tree
                .iter()
                .map(|(file, code)| (file.as_str(), said(code)))
                .collect(),
            tree,
        }
    }

    /// A path from the root, if it belongs to this crate.
    fn absolute(&self, file: &str, path: &[String]) -> Option<Vec<String>> {
        let own = module(file);
        let first = path.first()?.as_str();
        let known = |name: &str| self.said[file].modules.contains(name);
        let start: Vec<String> = match first {
            "crate" | "linebook" => Vec::new(),
            "self" => own,
            "super" => own[..own.len().checked_sub(1)?].to_vec(),
            name if known(name) => [own, vec![name.to_owned()]].concat(),
            _ => return None,
        };
        let mut absolute = start;
        for part in &path[1..] {
            match part.as_str() {
                "super" => drop(absolute.pop()),
                "self" => {}
                part => absolute.push(part.to_owned()),
            }
        }
        Some(absolute)
    }

    /// The file that defines the last thing in a path. A module that only re-exports a thing does not define it.
    fn owner(&self, path: &[String], depth: usize) -> Option<&'a str> {
        for length in (0..=path.len()).rev() {
            let Some(file) = self.files.get(&path[..length]).copied() else {
                continue;
            };
            let Some(name) = path.get(length).filter(|_| depth < 8) else {
                return Some(file);
            };
            for (handed, known_as) in &self.said[file].hands_on {
                let from = self.absolute(file, handed);
                let Some(mut from) = from else { continue };
                if known_as == "*" {
                    from.pop();
                    let behind = self.owner(&from, depth + 1);
                    if let Some(behind) = behind.filter(|behind| self.defines(behind, name)) {
                        return Some(behind);
                    }
                } else if known_as == name {
                    from.extend_from_slice(&path[length + 1..]);
                    return self.owner(&from, depth + 1);
                }
            }
            return Some(file);
        }
        None
    }

    fn defines(&self, file: &str, name: &str) -> bool {
        let kinds = [
            "struct", "enum", "fn", "const", "static", "type", "trait", "union",
        ];
        let words = words(&self.tree[file]);
        words
            .windows(2)
            .any(|pair| kinds.contains(&pair[0]) && pair[1] == name)
    }

    /// Every path of this crate that a file names, from the root.
    fn paths(&self, file: &str) -> Vec<Vec<String>> {
        let said = &self.said[file];
        let uses = said.uses.iter().map(|(path, _)| path);
        let paths = uses.chain(&said.paths);
        paths.filter_map(|path| self.absolute(file, path)).collect()
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for file in self.said.keys() {
            let arrows = graph.entry((*file).to_owned()).or_default();
            for mut path in self.paths(file) {
                if path.last().is_some_and(|last| last == "*") {
                    path.pop();
                }
                let Some(to) = self.owner(&path, 0).filter(|to| to != file) else {
                    continue;
                };
                let name = path.last().cloned().unwrap_or_default();
                arrows.entry(to.to_owned()).or_default().insert(name);
            }
        }
        graph
    }
}

/// Who imports whom in a tree.
pub fn graph(tree: &Tree) -> Graph {
    Reader::new(tree).graph()
}

/// Every path that a tree names, with the file that does.
pub fn paths(tree: &Tree) -> Vec<(String, Vec<String>)> {
    let reader = Reader::new(tree);
    let of_file = |file: &String| {
        let paths = reader.paths(file).into_iter();
        paths.map(|path| (file.clone(), path)).collect::<Vec<_>>()
    };
    tree.keys().flat_map(of_file).collect()
}

/// The files that can be reached from one another by imports, in groups of two or more.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = graph
        .keys()
        .map(|start| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![start.as_str()]);
            while let Some(file) = next.pop() {
                for to in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
                    if seen.insert(to.as_str()) {
                        next.push(to);
                    }
                }
            }
            (start.as_str(), seen)
        })
        .collect();
    let mut circles = BTreeSet::new();
    for (file, to) in &reached {
        let circle: Vec<String> = to
            .iter()
            .filter(|other| reached[*other].contains(file))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// The arrows inside a group of files, in words.
pub fn arrows(graph: &Graph, group: &[String]) -> String {
    let mut lines = Vec::new();
    for from in group {
        for (to, names) in graph.get(from).into_iter().flatten() {
            if group.contains(to) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                lines.push(format!("  src/{from} -> src/{to}: {}", names.join(", ")));
            }
        }
    }
    lines.join("\n")
}

mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files.iter();
        files
            .map(|(name, text)| ((*name).into(), code(text)))
            .collect()
    }

    /// What `from` imports in a tree, and by which names.
    fn check(files: &[(&str, &str)], from: &str, expected: &[(&str, &str)]) {
        let graph = graph(&tree(files));
        let found: Vec<(&str, String)> = graph[from]
            .iter()
            .map(|(to, names)| {
                (
                    to.as_str(),
                    names.iter().cloned().collect::<Vec<_>>().join(" "),
                )
            })
            .collect();
        let expected: Vec<(&str, String)> = expected
            .iter()
            .map(|(to, names)| (*to, (*names).to_owned()))
            .collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn every_way_to_name_a_file_is_read() {
        let others = [
            ("a.rs", "pub struct A;"),
            ("b/mod.rs", "mod c;"),
            ("b/c.rs", "pub fn c() {}"),
            ("b/d.rs", ""),
        ];
        for (text, expected) in [
            ("use crate::a::A;", &[("a.rs", "A")][..]),
            (
                "use crate::{a::A, b::c};",
                &[("a.rs", "A"), ("b/c.rs", "c")],
            ),
            (
                "use crate::{\n    a::{self, A as Other},\n    b::c::{c, c as d,},\n};",
                &[("a.rs", "A a"), ("b/c.rs", "c")],
            ),
            ("pub(super) use crate::a::*;", &[("a.rs", "a")]),
            (
                "fn f() -> crate::a::A { crate::b::c::c() }",
                &[("a.rs", "A"), ("b/c.rs", "c")],
            ),
            (
                "fn f() { match x { crate::a::A::B { .. } => 1 } }",
                &[("a.rs", "B")],
            ),
            ("use self::inner; fn f() { super::a::A }", &[("a.rs", "A")]),
            (
                "// use crate::a::A;\nconst A: &str = \"crate::a\"; const Q: char = '\"'; // crate::a::A",
                &[],
            ),
            ("fn f<'a>(x: &'a str) -> crate::a::A {}", &[("a.rs", "A")]),
            (
                "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n\nuse crate::b::c;",
                &[("b/c.rs", "c")],
            ),
            (
                "#[cfg(test)]\nuse crate::a::A;\nuse crate::b::c;",
                &[("b/c.rs", "c")],
            ),
            ("use std::a::A; use other::b; fn a() { b::c() }", &[]),
        ] {
            let mut files = others.to_vec();
            files.push(("x.rs", text));
            check(&files, "x.rs", expected);
        }
        let mut files = others.to_vec();
        files[1].1 = "mod c; mod d; pub fn f() { d::g(); self::c::c() }";
        files[3].1 = "use super::c::c; fn g() { super::super::a::A }";
        check(&files, "b/mod.rs", &[("b/c.rs", "c"), ("b/d.rs", "g")]);
        check(&files, "b/d.rs", &[("a.rs", "A"), ("b/c.rs", "c")]);
    }

    #[test]
    fn what_a_module_hands_on_is_its_owners() {
        let files = [
            (
                "b/mod.rs",
                "mod c;\nmod e;\npub use c::C;\npub use e::*;\npub struct Own;",
            ),
            ("b/c.rs", "pub struct C;"),
            ("b/e.rs", "pub enum E { X }"),
            ("x.rs", "use crate::b::{C, E::X, Own};"),
            ("y.rs", "use super::b::*;"),
        ];
        check(
            &files,
            "x.rs",
            &[("b/c.rs", "C"), ("b/e.rs", "X"), ("b/mod.rs", "Own")],
        );
        check(&files, "y.rs", &[("b/mod.rs", "b")]);
    }

    #[test]
    fn circles_are_found_and_nothing_else() {
        let round = [
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "pub fn b() { crate::c::c() }"),
            ("c.rs", "use super::a;"),
            ("d.rs", "use crate::a;"),
        ];
        let graph_of = |files: &[(&str, &str)]| graph(&tree(files));
        assert_eq!(circles(&graph_of(&round)), [["a.rs", "b.rs", "c.rs"]]);
        assert_eq!(circles(&graph_of(&round[1..])), Vec::<Vec<String>>::new());
        let shown = arrows(&graph_of(&round), &circles(&graph_of(&round))[0]);
        assert_eq!(
            shown,
            "  src/a.rs -> src/b.rs: B\n  src/b.rs -> src/c.rs: c\n  src/c.rs -> src/a.rs: a"
        );
    }
}
