//! `cargo xtask test`: everything CI runs, the quick part first, with counts that can be trusted.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use ycd_test_skips::SKIPS_VARIABLE;

use crate::{models, process, setup, tidy, tree::Tree, ui, windows};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Rules, formatting and unit tests.
    Quick,
    /// All that CI runs.
    All,
}

/// Runs every check, whatever became of the ones before, and prints a table, the reason of each skip, and as its last
/// line `N passed, N failed, N skipped`. Each check counts as one, each test of a test run as one.
pub fn run(root: &Path, extent: Extent) -> crate::Outcome {
    setup::ensure()?;
    let skips = process::target_folder(root)?.join("test-skips.txt");
    let _ = fs::remove_file(&skips);
    let mut report = Report::default();
    let tests = Tests { root, has_nextest: process::answers("cargo-nextest", &["--version"]), skips: &skips };

    report.check("tidy", || tidy::run(root, &[]));
    report.check("format", || cargo(root, &["fmt", "--all", "--check"]));
    report.check("models", || models::run(root, models::Extent::Short));
    // The window has the pages in it, so they come first.
    let has_pages = report.check("pages: build", || ui::build(root, ui::Carrier::Window).map(|()| true));
    if has_pages {
        check_pages(&mut report, root);
    } else {
        report.cannot_run("pages", "their build failed");
    }
    // Integration tests load and start what other packages build, so all of it is built first.
    let is_built = report.check("build", || cargo(root, &["build", "--workspace", "--locked"]));
    if is_built {
        tests.run(&mut report, "unit tests", &["--lib", "--bins"]);
    } else {
        report.cannot_run("unit tests", "the build failed");
    }
    if extent == Extent::All {
        report.check("clippy", || {
            cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        });
        if is_built {
            tests.run(&mut report, "integration tests", &["--test", "*"]);
            tests.run_doc_tests(&mut report);
            tests.run_journeys(&mut report);
        } else {
            report.cannot_run("integration tests", "the build failed");
        }
        report.check("documentation", || {
            // Links to private items and to nothing at all are faults of the text.
            let mut command = process::cargo(root);
            command.args([
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
                "--locked",
                "--quiet",
            ]);
            process::run(command.env("RUSTDOCFLAGS", "-D warnings")).map(|()| true)
        });
        if process::answers("cargo-deny", &["--version"]) {
            // Advisories need a database from outside, so they are no part of a run that must work alone.
            report.check("licences, bans, sources", || {
                cargo(root, &["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
            });
        } else {
            report.skip(
                "licences, bans, sources",
                "cargo-deny is not installed (cargo install cargo-deny --locked)",
            );
        }
        report.skip("advisories", "cargo-deny needs a database from outside for them");
        match windows::ready(root) {
            Ok(()) => {
                report.check("check windows", || windows::check(root));
                report.check("windows, under Wine", || windows::test(root, &["--short"]));
            }
            Err(reason) => {
                report.skip("check windows", &format!("{reason}: cargo xtask check windows"));
                report.skip("windows, under Wine", &format!("{reason}: cargo xtask test windows"));
            }
        }
    }
    if report.skipped > 0 {
        report.skips.extend(ignored_tests(root));
    }
    report.read_skips(&skips);
    report.print();
    Ok(report.failed == 0)
}

/// Types, style, and the tests that need no core.
fn check_pages(report: &mut Report, root: &Path) {
    for (name, script) in
        [("pages: types", "typecheck"), ("pages: style", "lint"), ("pages: contract", "contract:check")]
    {
        report.check(name, || process::run(&mut ui::script(root, script)).map(|()| true));
    }
    heading("pages: tests");
    match process::run_and_keep(ui::script(root, "test").env("NO_COLOR", "1")) {
        Ok(printed) => {
            let counts = Counts::read_vitest(&printed.lines);
            report.tests("pages: tests", counts, printed.status.success(), printed.seconds);
        }
        Err(reason) => report.cannot_run("pages: tests", &reason),
    }
}

/// What CI runs in a short form, in full. Takes some minutes.
pub fn exhaustive(root: &Path) -> crate::Outcome {
    setup::ensure()?;
    cargo(root, &["build", "--workspace", "--locked"])?;
    for (package, test, name) in [
        ("ycd-tests", "renewal", "pulled_at_any_token_call"),
        ("ycd-token-host", "misuse", "every_operation_misused"),
        ("ycd-tests", "host_card", "misused_in_every_way"),
    ] {
        let mut command = process::cargo(root);
        command.args(["test", "-p", package, "--test", test, "--locked", "--", name]);
        process::run(command.env("YCD_EXHAUSTIVE", "1"))?;
    }
    Ok(true)
}

/// Every test that is left out on purpose, with its reason; a rule of tidy sees to it that there is one.
fn ignored_tests(root: &Path) -> Vec<String> {
    let Ok(tree) = Tree::read(root) else { return Vec::new() };
    let opening = concat!("#[ign", "ore = \"");
    let mut ignored = Vec::new();
    for file in tree.with_extension(&["rs"]) {
        for (number, line) in file.lines() {
            if let Some(reason) = line.trim().strip_prefix(opening) {
                ignored.push(format!("{}:{number}: {}", file.path, reason.trim_end_matches("\"]")));
            }
        }
    }
    ignored
}

fn cargo(root: &Path, arguments: &[&str]) -> crate::Outcome {
    process::run(process::cargo(root).args(arguments)).map(|()| true)
}

struct Tests<'a> {
    root: &'a Path,
    has_nextest: bool,
    skips: &'a PathBuf,
}

impl Tests<'_> {
    fn run(&self, report: &mut Report, name: &str, targets: &[&str]) {
        let mut command = process::cargo(self.root);
        if self.has_nextest {
            command.args(["nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
        } else {
            command.args(["test", "--no-fail-fast"]);
        }
        command.args(["--workspace", "--locked"]).args(targets);
        self.watch(report, name, &mut command);
    }

    /// nextest does not run these.
    fn run_doc_tests(&self, report: &mut Report) {
        let mut command = process::cargo(self.root);
        command.args(["test", "--workspace", "--doc", "--locked", "--no-fail-fast"]);
        self.watch(report, "examples in documentation", &mut command);
    }

    /// The real pages in a browser, on the real core.
    fn run_journeys(&self, report: &mut Report) {
        const NAME: &str = "pages: journeys";
        heading(NAME);
        let outcome = ui::build(self.root, ui::Carrier::Browser).and_then(|()| {
            let mut command = ui::script(self.root, "journeys");
            command.env("NO_COLOR", "1").env("FORCE_COLOR", "0");
            process::run_and_keep(ui::with_programs(self.root, &mut command)?)
        });
        match outcome {
            Ok(printed) => {
                let counts = Counts::read_playwright(&printed.lines);
                report.tests(NAME, counts, printed.status.success(), printed.seconds);
            }
            Err(reason) => report.cannot_run(NAME, &reason),
        }
    }

    fn watch(&self, report: &mut Report, name: &str, command: &mut std::process::Command) {
        heading(name);
        command.env(SKIPS_VARIABLE, self.skips).env("CARGO_TERM_COLOR", "never");
        match process::run_and_keep(command) {
            Ok(printed) => {
                let counts = Counts::read(&printed.lines);
                report.tests(name, counts, printed.status.success(), printed.seconds);
            }
            Err(reason) => report.cannot_run(name, &reason),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    /// From the closing lines of nextest (`Summary [ 1.2s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped`) or of
    /// each of libtest's programs (`test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; …`).
    fn read(lines: &[String]) -> Self {
        let mut counts = Self::default();
        let lines = || lines.iter().map(|line| line.trim_start());
        // nextest repeats what a failed test's program said, libtest's closing line among it.
        let is_nextest = lines().any(|line| line.starts_with("Summary ["));
        let closing = if is_nextest { "Summary [" } else { "test result:" };
        for line in lines() {
            if line.starts_with(closing) {
                counts.passed += number_before(line, "passed");
                counts.failed += ["failed", "timed out", "exec failed"]
                    .iter()
                    .map(|w| number_before(line, w))
                    .sum::<u64>();
                counts.skipped += number_before(line, "skipped") + number_before(line, "ignored");
            }
        }
        counts
    }
}

/// Of the pages' test runners.
impl Counts {
    /// `      Tests  1 failed | 41 passed | 2 skipped (44)`
    fn read_vitest(lines: &[String]) -> Self {
        let closing = lines.iter().rev().find(|line| line.trim_start().starts_with("Tests "));
        let number = |word| closing.map_or(0, |line| number_before(&line.replace('|', ","), word));
        Self { passed: number("passed"), failed: number("failed"), skipped: number("skipped") }
    }

    /// `  12 passed (1.2m)`, `  1 failed`, each on a line of its own.
    fn read_playwright(lines: &[String]) -> Self {
        let number = |word: &str| {
            let is_closing = |line: &&String| {
                let mut words = line.split_whitespace();
                words.next().is_some_and(|first| first.parse::<u64>().is_ok()) && words.next() == Some(word)
            };
            let closing = lines.iter().rev().find(is_closing);
            closing.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Self {
            passed: number("passed"),
            failed: number("failed") + number("interrupted"),
            skipped: number("skipped") + number("did"),
        }
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    line.split([',', ';', ':', '.', '('])
        .filter_map(|part| part.trim().strip_suffix(word))
        .filter_map(|rest| rest.split_whitespace().last()?.parse::<u64>().ok())
        .sum()
}

#[derive(Default)]
struct Report {
    rows: Vec<String>,
    skips: Vec<String>,
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Report {
    fn check(&mut self, name: &str, check: impl FnOnce() -> crate::Outcome) -> bool {
        heading(name);
        let begun = Instant::now();
        let outcome = check().unwrap_or_else(|reason| {
            eprintln!("{reason}");
            false
        });
        let counts = Counts { passed: outcome.into(), failed: (!outcome).into(), skipped: 0 };
        self.row(name, counts, begun.elapsed().as_secs_f64());
        outcome
    }

    /// A run that ends badly without a failed test (it did not compile, a program died) counts as one failure.
    fn tests(&mut self, name: &str, mut counts: Counts, is_success: bool, seconds: f64) {
        if !is_success && counts.failed == 0 {
            counts.failed = 1;
        }
        self.row(name, counts, seconds);
    }

    fn cannot_run(&mut self, name: &str, reason: &str) {
        eprintln!("{name}: {reason}");
        self.row(name, Counts { failed: 1, ..Counts::default() }, 0.0);
    }

    fn skip(&mut self, name: &str, reason: &str) {
        self.skips.push(format!("{name}: {reason}"));
        self.row(name, Counts { skipped: 1, ..Counts::default() }, 0.0);
    }

    /// A test that could not run has passed as far as its runner knows; it is counted as what it is.
    fn read_skips(&mut self, file: &Path) {
        for line in fs::read_to_string(file).unwrap_or_default().lines() {
            self.skips.push(line.to_owned());
            self.skipped += 1;
            self.passed = self.passed.saturating_sub(1);
        }
    }

    fn row(&mut self, name: &str, counts: Counts, seconds: f64) {
        let Counts { passed, failed, skipped } = counts;
        self.rows.push(format!("{name:28} {passed:6} {failed:6} {skipped:7} {seconds:7.0} s"));
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }

    fn print(&self) {
        println!("\n{:28} passed failed skipped    time", "");
        for row in &self.rows {
            println!("{row}");
        }
        for skip in &self.skips {
            println!("skipped: {skip}");
        }
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
    }
}

fn heading(name: &str) {
    let is_ci = env::var_os("CI").is_some();
    println!("{}== {name}", if is_ci { "" } else { "\n" });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Counts {
        Counts::read(&lines.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn counts_are_read_from_nextest() {
        let line = "     Summary [   0.015s] 7 tests run: 5 passed (1 slow, 1 flaky), 1 failed, 1 timed out, 3 skipped";
        let counts = Counts { passed: 5, failed: 2, skipped: 3 };
        assert_eq!(read(&["PASS x 9 passed", line]), counts);
        let repeated = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out";
        assert_eq!(read(&[repeated, line]), counts);
    }

    #[test]
    fn counts_are_read_from_every_program_of_libtest() {
        let good =
            "test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.05s";
        let bad = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.05s";
        assert_eq!(read(&[good, bad]), Counts { passed: 5, failed: 2, skipped: 1 });
    }

    #[test]
    fn counts_are_read_from_the_pages_test_runners() {
        let lines = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let vitest =
            lines(&[" Test Files  3 passed (3)", "      Tests  1 failed | 41 passed | 2 skipped (44)"]);
        assert_eq!(Counts::read_vitest(&vitest), Counts { passed: 41, failed: 1, skipped: 2 });
        let good = lines(&[" Test Files  3 passed (3)", "      Tests  41 passed (41)"]);
        assert_eq!(Counts::read_vitest(&good), Counts { passed: 41, failed: 0, skipped: 0 });
        let playwright =
            lines(&["  ok 1 5 passed", "  1 failed", "    a.spec.ts", "  2 skipped", "  9 passed (1.2m)"]);
        assert_eq!(Counts::read_playwright(&playwright), Counts { passed: 9, failed: 1, skipped: 2 });
    }

    #[test]
    fn a_test_that_is_left_out_is_told_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let attribute = concat!("#[ign", "ore = \"needs hardware\"]");
        fs::write(folder.path().join("a.rs"), format!("#[test]\n{attribute}\nfn t() {{}}\n")).unwrap();
        assert_eq!(ignored_tests(folder.path()), ["a.rs:2: needs hardware"]);
    }

    #[test]
    fn a_run_that_ends_badly_without_counts_is_a_failure() {
        let mut report = Report::default();
        report.tests("unit tests", Counts::default(), false, 1.0);
        assert_eq!((report.passed, report.failed), (0, 1));
    }

    #[test]
    fn a_test_that_could_not_run_is_counted_as_skipped_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("skips");
        fs::write(&file, "a_test: no pcscd here\n").unwrap();
        let mut report = Report::default();
        report.tests("unit tests", Counts { passed: 3, ..Counts::default() }, true, 1.0);
        report.read_skips(&file);
        assert_eq!((report.passed, report.skipped), (2, 1));
        assert_eq!(report.skips, ["a_test: no pcscd here"]);
    }
}
