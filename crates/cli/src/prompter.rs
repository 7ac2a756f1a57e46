//! The person at the terminal, or the program that stands in for one.

use std::ops::ControlFlow;
use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::RecvTimeoutError},
    time::{Duration, Instant},
};

use serde_json::json;
use ycd_flows::{
    messages::{message, tries_word, word},
    prompts::{CodeAnswer, PinQuestion, TokenProblem},
    renewal::{Event, Prompter},
    store::Registered,
};
use ycd_pki::{CertificateInfo, pem};
use ycd_portal_api::{
    ApiError,
    wire::login::{CodeSent, Purpose},
};
use ycd_token::{Drivers, Pin, TokenError, TokenEvent, TokenId, TokenInfo, TokenSet, TokenWatcher};

use crate::{
    args::PinArgs,
    ask::Secrets,
    error::{CliError, Result},
    say::{Say, day},
};

pub struct AtTerminal<'a> {
    pub say: &'a Say,
    /// Shared with the tokens, which ask anew where a token model wants the PIN at every signature.
    pub pins: Arc<Mutex<Secrets>>,
    pub codes: Secrets,
    /// To notice the token when it comes.
    pub drivers: &'a Drivers,
    /// How long to wait for a token; `None` for as long as it takes.
    pub timeout: Option<Duration>,
    /// What was agreed to on the command line.
    pub agrees_to_replace: bool,
    pub agrees_to_last_try: bool,
    /// Where the request is left, for whoever wants to look at it.
    pub keep: Option<&'a Path>,
    /// Why the flow was ended from this side, where it was not the person's wish.
    pub reason: Option<CliError>,
}

impl AtTerminal<'_> {
    fn yes(&self, question: &str) -> bool {
        self.say.can_ask() && agrees(question, self.say)
    }
}

/// Asks a person at the terminal for a yes.
pub fn agrees(question: &str, say: &Say) -> bool {
    let mut out = io::stderr().lock();
    let _ = write!(out, "{question} {} ", say.t("输入“同意”继续：", "Type yes to go on:"));
    let _ = out.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "同意" | "yes")
}

/// Who answers where a token model wants the PIN at every signature: the same person, or the same program's next line.
pub fn asks_again(
    pins: &Arc<Mutex<Secrets>>,
    say: &Say,
) -> impl FnMut(&TokenId) -> Option<Pin> + Send + 'static {
    let pins = Arc::clone(pins);
    let prompt = say.t(
        "这种 USBKEY 每次签名都要口令，请再输入尾号 {} 的口令：",
        "This make asks for the PIN at every signature. PIN of the USBKEY ending in {}: ",
    );
    move |token| {
        let pin = lock(&pins).next(&prompt.replace("{}", token.tail())).ok()??;
        Some(Pin::new(pin.as_str()))
    }
}

/// As [`asks_again`], at a terminal: an unlock's own PINs come before.
pub fn asks_again_each_signature(tokens: &mut TokenSet, say: &Say) {
    if say.can_ask()
        && let Ok(pins) = Secrets::pins(&PinArgs::default(), say)
    {
        tokens.on_pin_needed(asks_again(&Arc::new(Mutex::new(pins)), say));
    }
}

/// What was put into the certificate store.
pub fn registered_words(registered: &Registered, say: &Say) -> String {
    let text = say.t(
        "新证书已登记到 Windows 证书库，提供程序：{provider}。",
        "The new certificate is registered with Windows, provider {provider}.",
    );
    text.replace("{provider}", &registered.link.provider)
}

fn lock(pins: &Mutex<Secrets>) -> MutexGuard<'_, Secrets> {
    // Whoever panicked while asking has left nothing half done.
    pins.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep_request(folder: &Path, request: &[u8]) -> Result {
    fs::create_dir_all(folder).map_err(CliError::file(folder))?;
    let path = folder.join("renewal.csr.pem");
    fs::write(&path, pem::encode("CERTIFICATE REQUEST", request)?).map_err(CliError::file(&path))
}

/// Says what is the matter with the tokens that are in, and waits for one to come or go. `what_stopped` tells of a flow
/// that was broken off at a step.
pub fn look_again(
    say: &Say,
    drivers: &Drivers,
    timeout: Option<Duration>,
    problem: &TokenProblem,
    what_stopped: impl FnOnce(&'static str) -> String,
) -> ControlFlow<()> {
    if timeout == Some(Duration::ZERO) {
        return ControlFlow::Break(());
    }
    let there: Vec<TokenId> = problem.inserted().iter().map(|token| token.token_id.clone()).collect();
    let tails: Vec<&str> = there.iter().map(TokenId::tail).collect();
    let (event, text) = match problem {
        TokenProblem::Absent { wanted } => {
            let text = match wanted {
                Some(wanted) => say
                    .t("请插入尾号 {} 的 USBKEY。", "Put in the USBKEY ending in {}.")
                    .replace("{}", wanted.tail()),
                None => say.t("请插入 USBKEY。", "Put in the USBKEY.").to_owned(),
            };
            (json!({ "event": "token_absent", "wanted": wanted }), text)
        }
        TokenProblem::Pulled { wanted, at } => {
            let back = say.t("请插回同一支 USBKEY。", " Put the same USBKEY back in.");
            let text = what_stopped(at) + back;
            (json!({ "event": "token_pulled", "wanted": wanted, "step": at }), text)
        }
        TokenProblem::Several { tokens } => {
            let text = say
                .t(
                    "发现多支 USBKEY（尾号 {}）。请只留要办理的一支。",
                    "Several USBKEYs are in ({}). Leave only the one that is meant.",
                )
                .replace("{}", &tails.join(say.t("、", ", ")));
            (json!({ "event": "several_tokens", "tokens": tokens }), text)
        }
        TokenProblem::Wrong { inserted, wanted } => {
            let text = say
                .t(
                    "插入的是尾号 {a}，需要尾号 {b}。尚未改动，请更换。",
                    "The USBKEY ending in {a} is in; wanted is {b}. Nothing was changed.",
                )
                .replace("{a}", inserted.token_id.tail())
                .replace("{b}", wanted.tail());
            (json!({ "event": "wrong_token", "inserted": inserted.token_id, "wanted": wanted }), text)
        }
    };
    say.event(&event, || Some(text));
    wait_for_change(drivers, timeout, there)
}

/// Until tokens come or go, or patience ends. `there` are the tokens that were seen before.
fn wait_for_change(drivers: &Drivers, timeout: Option<Duration>, mut there: Vec<TokenId>) -> ControlFlow<()> {
    let watcher = TokenWatcher::start(drivers, None);
    let begun = Instant::now();
    loop {
        let left = timeout.map_or(A_DAY, |timeout| timeout.saturating_sub(begun.elapsed()));
        if left.is_zero() {
            return ControlFlow::Break(());
        }
        // The watcher begins with the tokens it finds; one that is not among them was pulled in the meantime.
        let still_finding = !there.is_empty() && begun.elapsed() < FINDING;
        let next = if still_finding { left.min(FINDING) } else { left };
        match watcher.events().recv_timeout(next) {
            Ok(TokenEvent::Arrived(token)) => match there.iter().position(|known| *known == token.token_id) {
                Some(index) => drop(there.swap_remove(index)),
                None => return ControlFlow::Continue(()),
            },
            Ok(TokenEvent::Gone(_)) => return ControlFlow::Continue(()),
            Ok(TokenEvent::DriversMissing(_)) => {}
            Err(RecvTimeoutError::Timeout) if still_finding && !there.is_empty() => {
                return ControlFlow::Continue(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return ControlFlow::Break(()),
        }
    }
}

/// How long the watcher's first look may take.
const FINDING: Duration = Duration::from_secs(3);
const A_DAY: Duration = Duration::from_secs(86_400);

impl Prompter for AtTerminal<'_> {
    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        if let (Event::Requested { request }, Some(folder)) = (event, self.keep)
            && let Err(error) = keep_request(folder, request)
        {
            self.reason = Some(error);
            return ControlFlow::Break(());
        }
        let say = self.say;
        say.event(event, || {
            Some(match event {
                Event::Begins { step, number, of, usual, longest } => {
                    let name = word(&format!("step.{}", step.name()), say.language);
                    say.step(*number, Some(*of), &name, [*usual, *longest], step.works_on_token())
                }
                Event::Recorded { .. } | Event::Requested { .. } => return None,
                Event::TakenUp { after } => say
                    .t("上次停在“{}”之后，继续。", "Taken up again after “{}”.")
                    .replace("{}", &word(&format!("step.{}", after.name()), say.language)),
                Event::StartsAgain { .. } => {
                    say.t("重新核对 USBKEY 和订单，没有丢失任何进度。", "Looking at token and order again; nothing is lost.").to_owned()
                }
                Event::ClockOff { seconds } => say
                    .t("本机时间与门户相差 {} 秒，以门户时间为准。", "This machine's clock is {} s off; the portal's counts.")
                    .replace("{}", &seconds.abs().to_string()),
                Event::Registered(registered) => registered_words(registered, say),
                Event::NotRegistered { code, detail } => {
                    let message = message(code, say.language, &[("detail", detail.clone())]);
                    format!("{}\n{}", message.sentence, message.remedy)
                }
                Event::Finished { old, new } => say
                    .t(
                        "更新成功。有效期 {old} → {new}。口令未变。现在可以拔下 USBKEY。",
                        "Renewed. Valid until {old} → {new}. The PIN is the same. You can pull the USBKEY now.",
                    )
                    .replace("{old}", &day(old.not_after))
                    .replace("{new}", &day(new.not_after)),
            })
        });
        ControlFlow::Continue(())
    }

    fn pin(&mut self, question: &PinQuestion) -> Option<Pin> {
        let say = self.say;
        let tail = question.token.token_id.tail();
        if question.again {
            // Nobody is there who could have made sure of it, so the next line would be a guess.
            if !lock(&self.pins).is_terminal() {
                self.reason = Some(TokenError::PinIncorrect { retry_counter: question.retry_counter }.into());
                return None;
            }
            say.aside(say.t(
                "口令不正确。连续输错后 USBKEY 会被锁定。",
                "The PIN is not right. Too many wrong ones lock the USBKEY.",
            ));
        } else if question.token.pin.is_initial {
            say.aside(say.t(
                "仍是初始口令，拿到 USBKEY 的人都能使用；办完后请用 ycd token pin 修改。",
                "The PIN is still the initial one, which everybody knows; change it afterwards with ycd token pin.",
            ));
        }
        if question.last_try && !self.agrees_to_last_try {
            let warning = say.t(
                "只剩最后一次：再输错 USBKEY 就会锁定。",
                "One try is left: another wrong PIN locks the USBKEY.",
            );
            if !self.yes(warning) {
                self.reason = Some(TokenError::PinIncorrect { retry_counter: question.retry_counter }.into());
                return None;
            }
        }
        let retry_counter = tries_word(question.retry_counter, say.language);
        let retry_counter = if retry_counter.is_empty() {
            retry_counter
        } else {
            say.t("（{}）", " ({})").replace("{}", &retry_counter)
        };
        let prompt = say.t("尾号 {} 的 USBKEY 的口令", "PIN of the USBKEY ending in {}").replace("{}", tail)
            + &retry_counter
            + say.t("：", ": ");
        match lock(&self.pins).next(&prompt) {
            Ok(pin) => pin.map(|pin| Pin::new(pin.as_str())),
            Err(error) => {
                self.reason = Some(error);
                None
            }
        }
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        let say = self.say;
        look_again(say, self.drivers, self.timeout, problem, |step| {
            say.t(
                "停在“{}”。旧证书没有被删除，不用重新付款。",
                "Stopped at “{}”. The old certificate was not deleted; nothing is paid again.",
            )
            .replace("{}", &word(&format!("step.{step}"), say.language))
        })
    }

    fn agree_to_replace(&mut self, token: &TokenInfo, old: &CertificateInfo) -> bool {
        let question = self
            .say
            .t(
                "USBKEY（{holder}，尾号 {tail}）没有空间：要先移除旧密钥对，不能恢复，用旧证书加密的文件将打不开。还有未开标、用旧证书加密的投标文件吗？",
                "The USBKEY ({holder}, ending in {tail}) has no free capacity: the old key pair goes first and cannot be brought back; what is encrypted to it can no longer be opened.",
            )
            .replace("{holder}", &old.holder)
            .replace("{tail}", token.token_id.tail());
        let agrees = self.agrees_to_replace || self.yes(&question);
        if !agrees {
            self.say.aside(&question);
        }
        agrees
    }

    fn sms_code(&mut self, sent: &CodeSent, _purpose: Purpose, refused: Option<&ApiError>) -> CodeAnswer {
        let code = self.codes.ask_code(self.say, sent, refused);
        code.unwrap_or_else(|error| {
            self.reason = Some(error);
            CodeAnswer::Stop
        })
    }
}
