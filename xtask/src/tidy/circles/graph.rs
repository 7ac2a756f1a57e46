//! Circles in a graph of files, apart from those of a module and what stands below it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Who points to whom.
pub type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Files each of which leads to each other one.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle<'a> {
    pub files: BTreeSet<&'a str>,
    /// In the order of the arrows; the last points to the first.
    pub shortest: Vec<&'a str>,
}

/// A circle is a parent and its children where one file on it stands above all the others; those are left out. All
/// others are found: within a strongly connected component that has such a file, they are what is left without it; and
/// where a component has none, an arrow between files under two different topmost ones lies on a circle that no file of
/// the component stands above.
pub fn circles<'a>(graph: &Graph<'a>, ancestors: &HashMap<&'a str, Vec<&'a str>>) -> Vec<Circle<'a>> {
    let mut found = Vec::new();
    let mut open: Vec<BTreeSet<&'a str>> = vec![graph.keys().copied().collect()];
    while let Some(files) = open.pop() {
        for component in components(graph, &files).into_iter().filter(|component| component.len() > 1) {
            let tops = topmost(&component, ancestors);
            if let [parent] = tops.as_slice() {
                let mut children = component;
                children.remove(parent);
                open.push(children);
            } else if let Some(shortest) = shortest_between(graph, &component, &tops, ancestors) {
                found.push(Circle { files: component, shortest });
            }
        }
    }
    found.sort_by(|a, b| (a.shortest.len(), &a.shortest).cmp(&(b.shortest.len(), &b.shortest)));
    found
}

/// The files that no other of the component stands above.
fn topmost<'a>(component: &BTreeSet<&'a str>, ancestors: &HashMap<&'a str, Vec<&'a str>>) -> Vec<&'a str> {
    let has_parent =
        |file: &str| ancestors.get(file).into_iter().flatten().any(|above| component.contains(above));
    component.iter().copied().filter(|file| !has_parent(file)).collect()
}

fn shortest_between<'a>(
    graph: &Graph<'a>,
    component: &BTreeSet<&'a str>,
    tops: &[&'a str],
    ancestors: &HashMap<&'a str, Vec<&'a str>>,
) -> Option<Vec<&'a str>> {
    let top_of = |file: &'a str| {
        tops.iter().find(|top| **top == file || ancestors.get(file).is_some_and(|above| above.contains(top)))
    };
    let arrows = component.iter().flat_map(|from| graph[from].iter().map(move |to| (*from, *to)));
    arrows
        .filter(|(from, to)| component.contains(to) && top_of(from) != top_of(to))
        .filter_map(|(from, to)| way(graph, component, to, from))
        .min_by_key(|way| (way.len(), way.clone()))
}

/// The shortest way, with both of its ends.
fn way<'a>(
    graph: &Graph<'a>,
    within: &BTreeSet<&'a str>,
    from: &'a str,
    to: &'a str,
) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        if file == to {
            let mut way: Vec<&str> =
                std::iter::successors(Some(to), |file| before.get(file).copied()).collect();
            way.reverse();
            return Some(way);
        }
        for &next in graph[file].iter().filter(|next| within.contains(*next)) {
            if next != from && !before.contains_key(next) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Strongly connected components (Kosaraju), the graph being cut down to some of its files.
fn components<'a>(graph: &Graph<'a>, within: &BTreeSet<&'a str>) -> Vec<BTreeSet<&'a str>> {
    let mut backwards: Graph<'a> = within.iter().map(|file| (*file, BTreeSet::new())).collect();
    for &from in within {
        for to in graph[from].iter().filter(|to| within.contains(*to)) {
            backwards.entry(to).or_default().insert(from);
        }
    }
    let mut seen = BTreeSet::new();
    let mut finished = Vec::new();
    for &file in within {
        visit(graph, within, file, &mut seen, &mut finished);
    }
    let mut seen = BTreeSet::new();
    let mut components = Vec::new();
    for file in finished.into_iter().rev() {
        let mut component = Vec::new();
        visit(&backwards, within, file, &mut seen, &mut component);
        if !component.is_empty() {
            components.push(component.into_iter().collect());
        }
    }
    components
}

/// Depth first; a file is finished after those that it leads to.
fn visit<'a>(
    graph: &Graph<'a>,
    within: &BTreeSet<&'a str>,
    file: &'a str,
    seen: &mut BTreeSet<&'a str>,
    finished: &mut Vec<&'a str>,
) {
    if seen.insert(file) {
        for &next in graph[file].iter().filter(|next| within.contains(*next)) {
            visit(graph, within, next, seen, finished);
        }
        finished.push(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a>b` for each arrow; a file stands below those whose name its own begins with.
    fn find(arrows: &str) -> Vec<String> {
        let mut graph = Graph::new();
        for (from, to) in arrows.split(' ').filter_map(|arrow| arrow.split_once('>')) {
            graph.entry(from).or_default().insert(to);
            graph.entry(to).or_default();
        }
        let above = |file: &'static str| (1..file.len()).map(|len| &file[..len]).collect::<Vec<_>>();
        let files: Vec<&str> = graph.keys().copied().collect();
        let ancestors = files.iter().map(|file| (*file, above(Box::leak(Box::from(*file))))).collect();
        let circles = circles(&graph, &ancestors);
        let told = |circle: &Circle<'_>| {
            format!("{} of {}", circle.shortest.join(">"), circle.files.iter().copied().collect::<String>())
        };
        circles.iter().map(told).collect()
    }

    #[test]
    fn without_a_way_back_there_is_no_circle() {
        assert_eq!(find("a>b b>c a>c"), Vec::<String>::new());
    }

    #[test]
    fn a_circle_is_found_with_its_shortest_way_round() {
        assert_eq!(find("a>b b>c c>d d>a c>a x>a"), ["a>b>c of abcd"]);
    }

    #[test]
    fn a_parent_and_what_stands_below_it_are_no_circle() {
        assert_eq!(find("p>pa pa>p pa>pb pb>p pb>pbc pbc>p"), Vec::<String>::new());
    }

    #[test]
    fn children_that_import_each_other_are_a_circle_though_their_parent_knows_them() {
        assert_eq!(find("p>pa pa>p pa>pb pb>pa"), ["pa>pb of papb"]);
    }

    #[test]
    fn a_circle_through_a_child_and_its_parent_and_a_stranger_is_found() {
        assert_eq!(find("x>p p>pa pa>x"), ["p>pa>x of ppax"]);
    }

    #[test]
    fn the_root_does_not_hide_what_is_below_it() {
        let below = |arrows: &str| arrows.replace(' ', " r").replace('>', ">r");
        assert_eq!(find(&below(" a>b b>a c>d d>c a>c c>")), ["ra>rb of rarb", "rc>rd of rcrd"]);
    }
}
