//! The imports between the Rust files of a crate go round in no circle, but for a module and what stands below it.

mod graph;
mod modules;
mod scope;

use std::{collections::BTreeSet, fmt::Write as _};

use self::{
    graph::{Circle, Graph},
    modules::{Edges, Modules},
};
use crate::{
    finding::Finding,
    tree::{File, Tree},
};

/// One finding for each set of files that lead to each other: at its first import, the shortest way round, then the
/// other imports among them. What is compiled for tests only does not count, nor does `mod` itself. An import of what
/// a module re-exports counts as one of the file that has it.
pub fn only_of_a_module_and_its_children(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for root in tree.with_extension(&["rs"]).filter(|file| is_root(tree, file)) {
        let modules = Modules::read(tree, root);
        let edges = modules.edges();
        let mut graph: Graph<'_> = modules.files().map(|file| (file, BTreeSet::new())).collect();
        for (from, to) in edges.keys() {
            graph.entry(from).or_default().insert(to);
        }
        for circle in graph::circles(&graph, &modules.ancestors()) {
            let finding = told(&circle, &edges);
            // A file may belong to several targets.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings
}

/// The root of a library, a program, a test, a benchmark, an example or a build script.
fn is_root(tree: &Tree, file: &File) -> bool {
    let mut folders = file.path.match_indices('/').map(|(at, _)| (&file.path[..at], &file.path[at + 1..]));
    let Some((_, inside)) = folders.find(|(folder, _)| tree.file(&format!("{folder}/Cargo.toml")).is_some())
    else {
        return false;
    };
    let parts: Vec<&str> = inside.split('/').collect();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

fn told(circle: &Circle<'_>, edges: &Edges<'_>) -> Finding {
    let round = circle.shortest.iter().zip(circle.shortest.iter().cycle().skip(1));
    let way: Vec<(&str, &str)> = round.map(|(from, to)| (*from, *to)).collect();
    let mut text = match circle.files.len() {
        count if count == way.len() => format!("a circle of {count} files"),
        count => format!("a circle of {count} files, the shortest way round of {}", way.len()),
    };
    let others = edges.keys().copied().filter(|arrow| !way.contains(arrow));
    let among = others.filter(|(from, to)| circle.files.contains(from) && circle.files.contains(to));
    for (mark, (from, to)) in
        way.iter().copied().map(|arrow| ("->", arrow)).chain(among.map(|arrow| (" >", arrow)))
    {
        let _ = write!(text, "\n    {from}:{} {mark} {to}", numbers(&edges[&(from, to)]));
    }
    Finding::new(way[0].0, edges[&way[0]][0], text)
}

fn numbers(lines: &[usize]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{super::tests::findings, *};

    /// What is found in a crate of these files.
    fn find(files: &[(&str, &str)]) -> Vec<String> {
        let inside: Vec<_> =
            files.iter().map(|(path, text)| (format!("crates/x/src/{path}"), *text)).collect();
        let mut all = vec![("crates/x/Cargo.toml", "")];
        all.extend(inside.iter().map(|(path, text)| (path.as_str(), *text)));
        findings(only_of_a_module_and_its_children, &all)
    }

    fn heads(files: &[(&str, &str)]) -> Vec<String> {
        find(files).iter().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_circle_is_told_with_its_shortest_way_and_every_other_import_in_it() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            ("a.rs", "use crate::b::B;\npub struct A(B);\n"),
            ("b.rs", "use super::{a::A, c::C};\npub struct B(Box<A>, C);\n"),
            ("c.rs", "pub struct C(\n    crate::a::A,\n);\n"),
        ];
        let expected = "crates/x/src/a.rs:1: a circle of 3 files, the shortest way round of 2\n    \
                        crates/x/src/a.rs:1 -> crates/x/src/b.rs\n    crates/x/src/b.rs:1 -> crates/x/src/a.rs\n    \
                        crates/x/src/b.rs:1  > crates/x/src/c.rs\n    crates/x/src/c.rs:2  > crates/x/src/a.rs";
        assert_eq!(find(&files), [expected]);
    }

    #[test]
    fn an_import_from_the_root_or_a_parent_counts_as_one_of_the_file_that_has_it() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use a::Inner as A;\npub use b::*;\n"),
            ("a/mod.rs", "mod inner;\npub use self::inner::Inner;\n"),
            ("a/inner.rs", "use crate::B;\npub struct Inner(B);\n"),
            ("b.rs", "use crate::{A as Other, C};\npub struct B(Box<Other>);\n"),
        ];
        assert_eq!(heads(&files), ["crates/x/src/a/inner.rs:1: a circle of 2 files"]);
    }

    #[test]
    fn an_imported_module_counts_where_its_names_are_used() {
        let facade = |b: &'static str| {
            [
                ("lib.rs", "mod a;\nmod b;\n"),
                ("a.rs", "mod inner;\npub use inner::f;\npub fn g() { crate::b::b() }\n"),
                ("a/inner.rs", "pub fn f() {}\n"),
                ("b.rs", b),
            ]
        };
        assert_eq!(heads(&facade("use crate::a;\npub fn b() { a::f() }\n")), Vec::<String>::new());
        assert_eq!(
            heads(&facade("use crate::a;\npub fn b() { a::g() }\n")),
            ["crates/x/src/a.rs:3: a circle of 2 files"]
        );
    }

    #[test]
    fn a_module_and_its_children_may_know_each_other() {
        let files = [
            ("lib.rs", "mod a;\npub use a::A;\n"),
            ("a.rs", "mod b;\nmod c;\npub use b::B;\npub struct A(B, c::C);\n"),
            ("a/b.rs", "use super::{A, c::C};\npub struct B(Box<A>, C);\n"),
            ("a/c.rs", "use crate::A;\npub struct C(Box<A>);\n"),
        ];
        assert_eq!(find(&files), Vec::<String>::new());
    }

    #[test]
    fn what_is_compiled_for_tests_only_makes_no_circle() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use crate::b::B;\npub struct A(B);\n#[cfg(test)]\nmod tests;\n"),
            ("a/tests.rs", "use super::A;\n"),
            ("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"),
        ];
        assert_eq!(find(&files), Vec::<String>::new());
    }

    #[test]
    fn a_circle_is_found_in_files_that_have_modules_of_their_own_inside() {
        let files = [
            ("main.rs", "mod a;\nmod b;\n"),
            ("a.rs", "mod inside {\n    use crate::b;\n    fn f() { b::inside::f() }\n}\n"),
            ("b.rs", "pub mod inside {\n    use super::super::a;\n    pub fn f() { a::g() }\n}\n"),
        ];
        assert_eq!(heads(&files), ["crates/x/src/a.rs:3: a circle of 2 files"]);
    }
}
