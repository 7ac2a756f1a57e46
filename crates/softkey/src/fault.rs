//! Failing on purpose: the control file `control.json` in the folder of the tokens.
//!
//! ```json
//! { "trace": true,
//!   "rules": [
//!     { "token": "A1B2", "on": { "call": 7 }, "do": "unplug" },
//!     { "on": { "function": "C_CreateObject", "occurrence": 2 }, "do": "crash", "when": "after" },
//!     { "on": { "function": "C_Sign" }, "do": { "code": 48 }, "once": false } ] }
//! ```
//!
//! | `do` | what happens |
//! | --- | --- |
//! | `"unplug"` | the token is pulled and stays out until it is inserted again |
//! | `"hang"` | the call never returns |
//! | `"crash"` | the process aborts |
//! | `{"code": n}` | the call answers that `CKR_` number |
//! | `{"delay_ms": n}` | the call takes n milliseconds longer |
//! | `{"torn": "private_key"}`, `"public_key"`, `"nothing"` | the token is pulled in the middle of the call: `C_GenerateKeyPair` leaves that key of the pair or nothing, `C_CreateObject` of a certificate leaves half its bytes or nothing, other changes are complete; calls that change nothing find the token pulled |
//! | `"eat"` | the change is answered with CKR_OK and lost |
//! | `{"length": {"is": n}}`, `{"longer": n}`, `{"shorter": n}` | the lengths and counts that the call tells are n, or off by n; what it writes stays right |
//! | `{"print": n}` | n bytes go to standard output and as many to standard error |
//! | `{"hoard": n}` | n MiB are taken, touched and kept; where the system refuses, the call answers CKR_HOST_MEMORY |
//!
//! `when` is `"before"` (default: the call has no effect) or `"after"` (it has its effect, then the fault comes);
//! `torn` and `eat` come in the middle. `once` (default true) ends the rule after it has struck; else it strikes at
//! that call and every one after. Calls are counted from when the rule was set, over all processes, in the rule's
//! own `seen`; the count is kept in the file. A rule with a `token` sees only calls that name that token by slot or
//! session, a rule without one sees every call from `C_Initialize` on.
//!
//! With `trace` each call appends a line `C_Name` or `C_Name<TAB>serial number` to `trace.log` before it is done.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::functions;
use crate::soft_token::Leaves;
use crate::store::{self, Folder, Lock};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub on: On,
    #[serde(rename = "do")]
    pub action: Action,
    #[serde(default)]
    pub when: When,
    #[serde(default = "yes")]
    pub once: bool,
}

/// The call that a rule strikes at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum On {
    /// The n-th call, counted from 1.
    Call { call: u64 },
    /// The k-th call of one function, counted from 1.
    Function {
        function: String,
        #[serde(default = "first")]
        occurrence: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Unplug,
    Hang,
    Crash,
    Code(u32),
    DelayMs(u64),
    Torn(Leaves),
    Eat,
    Length(Length),
    /// Bytes.
    Print(u32),
    /// MiB.
    Hoard(u32),
}

/// What a call tells in the place of a length or a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    Is(u64),
    Longer(u32),
    Shorter(u32),
}

impl Length {
    /// In the place of `right`; CK_ULONG has 32 bits on Windows, where what is too large is all ones.
    pub fn instead_of<T: TryFrom<u64> + TryInto<u64>>(self, right: T, ones: T) -> T {
        let right = right.try_into().unwrap_or(u64::MAX);
        let told = match self {
            Self::Is(told) => told,
            Self::Longer(by) => right.saturating_add(by.into()),
            Self::Shorter(by) => right.saturating_sub(by.into()),
        };
        T::try_from(told).unwrap_or(ones)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    #[default]
    Before,
    After,
}

impl Fault {
    /// At the n-th call from now, before it has an effect, once.
    pub fn at_call(n: u64, action: Action) -> Self {
        Self { on: On::Call { call: n }, action, when: When::Before, once: true }
    }

    /// At the next call of a function (`C_Sign`), before it has an effect, once.
    pub fn at(function: &str, action: Action) -> Self {
        Self::at_occurrence(function, 1, action)
    }

    /// At the k-th call of a function, before it has an effect, once.
    pub fn at_occurrence(function: &str, k: u64, action: Action) -> Self {
        let on = On::Function { function: function.to_owned(), occurrence: k };
        Self { on, action, when: When::Before, once: true }
    }

    /// After the call has had its effect.
    pub fn after(self) -> Self {
        Self { when: When::After, ..self }
    }

    /// At every call from that one on.
    pub fn always(self) -> Self {
        Self { once: false, ..self }
    }
}

/// What the control file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    #[serde(default)]
    pub trace: bool,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// A fault with the token it is for and the calls it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRule", into = "WrittenRule")]
pub struct Rule {
    /// Serial number; `None` for every call.
    pub token: Option<String>,
    pub fault: Fault,
    pub seen: u64,
    pub struck: bool,
}

/// A rule in the file, flat, so that a misspelt word is found out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    on: On,
    #[serde(rename = "do")]
    action: Action,
    #[serde(default)]
    when: When,
    #[serde(default = "yes")]
    once: bool,
    #[serde(default)]
    seen: u64,
    #[serde(default)]
    struck: bool,
}

impl TryFrom<WrittenRule> for Rule {
    type Error = String;

    fn try_from(rule: WrittenRule) -> Result<Self, String> {
        let WrittenRule { token, on, action, when, once, seen, struck } = rule;
        if let On::Function { function, .. } = &on
            && !functions::FUNCTIONS.contains(&function.as_str())
        {
            return Err(format!("no PKCS#11 function {function}"));
        }
        Ok(Self { token, fault: Fault { on, action, when, once }, seen, struck })
    }
}

impl From<Rule> for WrittenRule {
    fn from(rule: Rule) -> Self {
        let Rule { token, fault: Fault { on, action, when, once }, seen, struck } = rule;
        Self { token, on, action, when, once, seen, struck }
    }
}

/// The control file of a folder.
pub struct ControlFile {
    path: PathBuf,
    lock: PathBuf,
    trace: PathBuf,
}

impl ControlFile {
    pub fn new(folder: &Folder) -> Self {
        let dir = folder.path();
        Self { path: dir.join("control.json"), lock: dir.join("control.lock"), trace: dir.join("trace.log") }
    }

    /// An absent file is an empty one.
    pub fn read(&self) -> Result<Control> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Error::ControlFile { path: self.path.clone(), detail: e.to_string() }),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Control::default()),
            Err(e) => Err(Error::io(&self.path)(e)),
        }
    }

    /// Reads, changes and writes under the lock.
    pub fn change<T>(&self, act: impl FnOnce(&mut Control) -> Result<T>) -> Result<T> {
        let _lock = Lock::take(&self.lock)?;
        let mut control = self.read()?;
        let before = control.clone();
        let made = act(&mut control)?;
        if control != before {
            let text = serde_json::to_vec_pretty(&control)
                .map_err(|e| Error::ControlFile { path: self.path.clone(), detail: e.to_string() })?;
            store::replace_unsynced(&self.path, &text)?;
        }
        Ok(made)
    }

    /// Counts a call and gives what is to happen at it, in the order of the rules.
    pub fn on_call(&self, function: &str, token: Option<&str>) -> Result<Vec<Fault>> {
        let control = self.read()?;
        if control.trace {
            self.append_trace(function, token)?;
        }
        if !control.rules.iter().any(|rule| rule.sees(function, token)) {
            return Ok(Vec::new());
        }
        self.change(|control| {
            let strikes = control.rules.iter_mut().filter(|rule| rule.sees(function, token));
            Ok(strikes.filter_map(Rule::count).collect())
        })
    }

    /// The calls traced so far: function and serial number.
    pub fn traced(&self) -> Result<Vec<(String, Option<String>)>> {
        let text = match std::fs::read_to_string(&self.trace) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::io(&self.trace)(e)),
        };
        let line = |line: &str| match line.split_once('\t') {
            Some((function, token)) => (function.to_owned(), Some(token.to_owned())),
            None => (line.to_owned(), None),
        };
        Ok(text.lines().map(line).collect())
    }

    pub fn clear_trace(&self) -> Result<()> {
        remove_if_there(&self.trace)
    }

    pub fn clear(&self) -> Result<()> {
        remove_if_there(&self.path)
    }

    fn append_trace(&self, function: &str, token: Option<&str>) -> Result<()> {
        let line = match token {
            Some(token) => format!("{function}\t{token}\n"),
            None => format!("{function}\n"),
        };
        let file = store::private_file().append(true).create(true).open(&self.trace);
        file.and_then(|mut f| f.write_all(line.as_bytes())).map_err(Error::io(&self.trace))
    }
}

impl Rule {
    fn sees(&self, function: &str, token: Option<&str>) -> bool {
        let this_token = self.token.as_deref().is_none_or(|serial| token == Some(serial));
        let this_function = match &self.fault.on {
            On::Call { .. } => true,
            On::Function { function: name, .. } => name == function,
        };
        this_token && this_function && !(self.struck && self.fault.once)
    }

    fn count(&mut self) -> Option<Fault> {
        self.seen = self.seen.saturating_add(1);
        let wanted = match &self.fault.on {
            On::Call { call } => *call,
            On::Function { occurrence, .. } => *occurrence,
        };
        let strikes = self.seen >= wanted.max(1);
        self.struck |= strikes;
        strikes.then(|| self.fault.clone())
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path)(e)),
        _ => Ok(()),
    }
}

fn yes() -> bool {
    true
}

fn first() -> u64 {
    1
}
