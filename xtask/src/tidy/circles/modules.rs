//! The modules of one target (a library, a program, a test), and where the paths in them lead.

use std::collections::{BTreeMap, HashMap};

use super::scope::{self, Scope, Use};
use crate::tree::{File, Tree};

/// A target's modules; the first is its root.
pub struct Modules<'a> {
    all: Vec<Module<'a>>,
}

struct Module<'a> {
    file: &'a str,
    parent: Option<usize>,
    children: HashMap<String, Vec<usize>>,
    scope: Scope,
}

/// From one file to another, with the lines of the imports.
pub type Edges<'a> = BTreeMap<(&'a str, &'a str), Vec<usize>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Module(usize),
    ItemOf(usize),
}

impl Target {
    fn is_item(&self) -> bool {
        matches!(self, Self::ItemOf(_))
    }
}

/// A re-export of a re-export of … ends somewhere, or is none.
const MAX_REEXPORTS: usize = 16;

impl<'a> Modules<'a> {
    pub fn read(tree: &'a Tree, root: &'a File) -> Self {
        let mut modules = Self { all: Vec::new() };
        modules.add(tree, root, None, folder(&root.path), scope::read(&root.text));
        modules
    }

    fn add(
        &mut self,
        tree: &'a Tree,
        file: &'a File,
        parent: Option<usize>,
        holds: &str,
        mut scope: Scope,
    ) -> usize {
        let id = self.all.len();
        let files = std::mem::take(&mut scope.files);
        let inline = std::mem::take(&mut scope.inline);
        self.all.push(Module { file: &file.path, parent, children: HashMap::new(), scope });
        let mut children: HashMap<String, Vec<usize>> = HashMap::new();
        for (name, scope) in inline {
            let child = self.add(tree, file, Some(id), &format!("{holds}/{name}"), scope);
            children.entry(name).or_default().push(child);
        }
        for declared in files {
            let Some(child) = file_of(tree, file, holds, &declared) else { continue };
            let is_mod_rs = child.path.ends_with("/mod.rs") || declared.path.is_some();
            let inside = if is_mod_rs { folder(&child.path) } else { child.path.trim_end_matches(".rs") };
            let child = self.add(tree, child, Some(id), inside, scope::read(&child.text));
            children.entry(declared.name).or_default().push(child);
        }
        self.all[id].children = children;
        id
    }

    pub fn files(&self) -> impl Iterator<Item = &'a str> {
        self.all.iter().map(|module| module.file)
    }

    /// For each file the files of the modules around it.
    pub fn ancestors(&self) -> HashMap<&'a str, Vec<&'a str>> {
        let around = |module: &Module<'a>| {
            let own = module.file;
            let above = std::iter::successors(module.parent, |&above| self.all[above].parent);
            above.map(|above| self.all[above].file).filter(|file| *file != own).collect()
        };
        self.all.iter().map(|module| (module.file, around(module))).collect()
    }

    /// Who imports from whom. The import of a module counts where its names are used; that of an item counts once.
    pub fn edges(&self) -> Edges<'a> {
        let mut edges = Edges::new();
        for id in 0..self.all.len() {
            let scope = &self.all[id].scope;
            for leaf in &scope.uses {
                let is_head = |name: &String| scope.paths.iter().any(|named| named.path[0] == *name);
                for target in self.resolve(id, &leaf.path, 0) {
                    let counts_elsewhere = !target.is_item() && leaf.name.as_ref().is_some_and(is_head);
                    if !counts_elsewhere {
                        self.add_edge(&mut edges, id, target, leaf.line);
                    }
                }
            }
            for named in &scope.paths {
                let brings_in = |leaf: &&Use| leaf.name.as_deref() == Some(&named.path[0]);
                let mut imported = scope.uses.iter().filter(brings_in);
                if imported.any(|leaf| self.resolve(id, &leaf.path, 0).iter().any(Target::is_item)) {
                    continue;
                }
                for target in self.resolve(id, &named.path, 0) {
                    self.add_edge(&mut edges, id, target, named.line);
                }
            }
        }
        edges
    }

    fn add_edge(&self, edges: &mut Edges<'a>, from: usize, to: Target, line: usize) {
        let (Target::Module(to) | Target::ItemOf(to)) = to;
        let (from, to) = (self.all[from].file, self.all[to].file);
        if from != to {
            let lines = edges.entry((from, to)).or_default();
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }

    /// Where a path that stands in a module leads; nowhere where it leads out of the target.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Vec<Target> {
        let Some((head, rest)) = path.split_first() else { return Vec::new() };
        match head.as_str() {
            "crate" => self.walk(0, rest, depth),
            "self" => self.walk(from, rest, depth),
            "super" => self.all[from].parent.map_or_else(Vec::new, |parent| self.walk(parent, rest, depth)),
            name => {
                let module = &self.all[from];
                let children = module.children.get(name).into_iter().flatten();
                let found: Vec<_> = children.flat_map(|&child| self.walk(child, rest, depth)).collect();
                if found.is_empty() { self.reexported(from, name, rest, depth) } else { found }
            }
        }
    }

    fn walk(&self, module: usize, path: &[String], depth: usize) -> Vec<Target> {
        let Some((head, rest)) = path.split_first() else { return vec![Target::Module(module)] };
        if head == "super" {
            return self.all[module].parent.map_or_else(Vec::new, |parent| self.walk(parent, rest, depth));
        }
        if let Some(children) = self.all[module].children.get(head) {
            return children.iter().flat_map(|&child| self.walk(child, rest, depth)).collect();
        }
        let found = self.reexported(module, head, rest, depth);
        if found.is_empty() { vec![Target::ItemOf(module)] } else { found }
    }

    /// Follows the `use`s of a module that bring in a name.
    fn reexported(&self, module: usize, name: &str, rest: &[String], depth: usize) -> Vec<Target> {
        if depth == MAX_REEXPORTS {
            return Vec::new();
        }
        let uses = &self.all[module].scope.uses;
        let by_name = uses.iter().filter(|leaf| leaf.name.as_deref() == Some(name));
        let mut found: Vec<Target> = by_name
            // `pub(crate) use my_macro;`
            .filter(|leaf| leaf.path != [name])
            .flat_map(|leaf| self.resolve(module, &[&leaf.path, rest].concat(), depth + 1))
            .collect();
        if found.is_empty() && !self.all[module].scope.items.iter().any(|item| item == name) {
            for leaf in uses.iter().filter(|leaf| leaf.name.is_none()) {
                for target in self.resolve(module, &leaf.path, depth + 1) {
                    let Target::Module(other) = target else { continue };
                    if other != module && self.has(other, name) {
                        found.extend(self.walk(other, &[&[name.to_owned()], rest].concat(), depth + 1));
                    }
                }
            }
        }
        found.dedup();
        found
    }

    fn has(&self, module: usize, name: &str) -> bool {
        let Module { children, scope, .. } = &self.all[module];
        children.contains_key(name)
            || scope.items.iter().any(|item| item == name)
            || scope.uses.iter().any(|leaf| leaf.name.as_deref() == Some(name))
    }
}

fn file_of<'a>(tree: &'a Tree, from: &File, holds: &str, declared: &scope::ModFile) -> Option<&'a File> {
    match &declared.path {
        Some(path) => tree.file(&normal(&format!("{}/{path}", folder(&from.path)))),
        None => tree
            .file(&format!("{holds}/{}.rs", declared.name))
            .or_else(|| tree.file(&format!("{holds}/{}/mod.rs", declared.name))),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Without `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}
