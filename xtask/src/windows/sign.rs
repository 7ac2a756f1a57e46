//! Authenticode: who the programs are from.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::toolchain::Toolchain;
use crate::process;

/// PEM of the signing certificate and its chain.
const CERTIFICATE: &str = "YCD_SIGN_CERT";
/// PEM of the private key.
const KEY: &str = "YCD_SIGN_KEY";
/// File with the token's password.
const PASSWORD_FILE: &str = "YCD_SIGN_PASSWORD_FILE";
/// Address of a time-stamping service (RFC 3161): without one, signatures end with the certificate.
const TIMESTAMP: &str = "YCD_SIGN_TIMESTAMP";
/// A program that signs the file named last, in its place: `signtool sign /fd sha256 …`, or a service's. Goes first.
const COMMAND: &str = "YCD_SIGN_COMMAND";

const NAME: &str = "云采盾证书助手";

/// What signs.
pub enum Signer {
    Files(Files),
    Command(String),
    /// On Windows, where nothing was said.
    Nobody,
}

/// A certificate and its key, in files.
pub struct Files {
    program: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    password_file: Option<PathBuf>,
    timestamp: Option<String>,
    is_throwaway: bool,
}

impl Signer {
    /// As the environment says, else with a certificate made here.
    pub fn new(toolchain: &Toolchain, work: &Path) -> Result<Self, String> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(line) = env::var(COMMAND).ok().filter(|line| !line.is_empty()) {
            return Ok(Self::Command(line));
        }
        match (set(CERTIFICATE), set(KEY)) {
            (Some(_), _) | (_, Some(_)) if cfg!(windows) => {
                Err(format!("{CERTIFICATE} and {KEY} are for Debian; on Windows {COMMAND} says what signs"))
            }
            (Some(certificate), Some(key)) => Ok(Self::Files(Files {
                program: toolchain.osslsigncode(),
                certificate: absolute(&certificate)?,
                key: absolute(&key)?,
                password_file: set(PASSWORD_FILE).as_deref().map(absolute).transpose()?,
                timestamp: env::var(TIMESTAMP).ok().filter(|url| !url.is_empty()),
                is_throwaway: false,
            })),
            (None, None) if cfg!(windows) => Ok(Self::Nobody),
            (None, None) => Files::throwaway(toolchain, work).map(Self::Files),
            _ => Err(format!("{CERTIFICATE} and {KEY} are set both or not at all")),
        }
    }

    /// What whoever ships should know.
    pub fn says(&self) -> &'static str {
        match self {
            Self::Files(files) if files.is_throwaway => {
                "signed with a certificate made for this build: trusted by nobody"
            }
            Self::Files(_) => "signed with the certificate given",
            Self::Command(_) => "signed by the command given",
            Self::Nobody => "not signed",
        }
    }

    /// Signs a file in its place, and checks that it is signed.
    pub fn sign(&self, file: &Path) -> Result<(), String> {
        match self {
            Self::Nobody => Ok(()),
            Self::Command(line) => {
                let mut words = line.split_whitespace();
                let mut command = Command::new(words.next().unwrap_or_default());
                process::run_quietly(command.args(words).arg(file))
            }
            Self::Files(files) => {
                let signed = file.with_extension("signed");
                process::run_quietly(files.command().arg("-in").arg(file).arg("-out").arg(&signed))?;
                fs::rename(&signed, file).map_err(|error| format!("{}: {error}", file.display()))?;
                files.verify(file)
            }
        }
    }

    /// Whether the file is as it was signed, as far as that can be told here.
    pub fn verify(&self, file: &Path) -> Result<(), String> {
        match self {
            Self::Files(files) => files.verify(file),
            Self::Command(_) | Self::Nobody => Ok(()),
        }
    }

    /// A command line that signs the file named behind it: for the installer's compiler, which makes uninstaller and
    /// setup. `at` is where a script may be put.
    pub fn line(&self, at: &Path) -> Result<Option<String>, String> {
        match self {
            Self::Nobody => Ok(None),
            Self::Command(line) => Ok(Some(line.clone())),
            Self::Files(files) => {
                let mut line = quoted(&files.program);
                for argument in files.command().get_args() {
                    line.push(' ');
                    line.push_str(&quoted(Path::new(argument)));
                }
                let text = format!(
                    "#!/bin/sh\nset -e\n{line} -in \"$1\" -out \"$1.signed\" >/dev/null\nmv \"$1.signed\" \"$1\"\n"
                );
                fs::write(at, text).map_err(|error| format!("{}: {error}", at.display()))?;
                Ok(Some(format!("sh {}", at.display())))
            }
        }
    }
}

impl Files {
    fn throwaway(toolchain: &Toolchain, work: &Path) -> Result<Self, String> {
        let (certificate, key) = (work.join("throwaway.pem"), work.join("throwaway.key"));
        process::run_quietly(
            Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "30"])
                .args(["-subj", "/CN=Throwaway, trusted by nobody"])
                .args(["-addext", "keyUsage=critical,digitalSignature"])
                .args(["-addext", "extendedKeyUsage=codeSigning"])
                .arg("-keyout")
                .arg(&key)
                .arg("-out")
                .arg(&certificate),
        )?;
        let (password_file, timestamp) = (None, None);
        let program = toolchain.osslsigncode();
        Ok(Self { program, certificate, key, password_file, timestamp, is_throwaway: true })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("sign").arg("-certs").arg(&self.certificate).arg("-key").arg(&self.key);
        if let Some(file) = &self.password_file {
            command.arg("-readpass").arg(file);
        }
        if let Some(url) = &self.timestamp {
            command.arg("-ts").arg(url);
        }
        command.args(["-h", "sha256", "-n", NAME]);
        command
    }

    /// Without a time stamp nothing more can be said on this machine.
    fn verify(&self, file: &Path) -> Result<(), String> {
        let mut verify = Command::new(&self.program);
        verify.arg("verify").arg("-CAfile").arg(&self.certificate).arg("-in").arg(file);
        process::run_quietly(&mut verify)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
