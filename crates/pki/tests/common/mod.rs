//! A small authority, and OpenSSL's command line, for the tests of this crate.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use time::{Duration, OffsetDateTime, macros::datetime};
use ycd_pki::{
    Certificate, KeyPair, PublicKey,
    cert::{self, CertificateParams, Profile, SubjectId, SubjectIdKind},
    crl::{self, Crl, CrlParams, Reason, Revoked},
    name::{Attribute, Name},
};

pub const DISTID: &str = "distid:1234567812345678";
pub const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

pub struct Ca {
    pub key: KeyPair,
    pub certificate: Certificate,
}

pub fn name(common: &str) -> Vec<u8> {
    Name::china()
        .with(Attribute::Organization, "示例认证中心")
        .with(Attribute::CommonName, common)
        .to_der()
        .unwrap()
}

pub fn root() -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = params(Profile::Root, &name("示例根"), &name("示例根"), &key.public_key(), &[]);
    params.authority_key_id = cert::key_identifier(&key.public_key());
    params.crl_uri = None;
    params.not_after = NOW + Duration::days(7000);
    Ca { certificate: issued(&params, &key), key }
}

impl Ca {
    pub fn authority(&self, common: &str) -> Ca {
        let key = KeyPair::generate().unwrap();
        let mut params = self.params(Profile::Issuing, &name(common), &key.public_key());
        params.not_after = NOW + Duration::days(3000);
        Ca { certificate: issued(&params, &self.key), key }
    }

    pub fn params(&self, profile: Profile, subject: &[u8], key: &PublicKey) -> CertificateParams {
        params(
            profile,
            self.certificate.subject_der(),
            subject,
            key,
            &self.certificate.subject_key_id().unwrap(),
        )
    }

    pub fn issue(&self, params: &CertificateParams) -> Certificate {
        issued(params, &self.key)
    }

    pub fn leaf(&self, key: &PublicKey) -> Certificate {
        self.issue(&self.params(
            Profile::Signature,
            &Name::enterprise("示例酒业有限公司", None, None).to_der().unwrap(),
            key,
        ))
    }

    pub fn crl(&self, number: u64, revoked: &[&Certificate]) -> Crl {
        Crl::from_der(&crl::build(&self.crl_params(number, revoked), &self.key).unwrap()).unwrap()
    }

    pub fn crl_params(&self, number: u64, revoked: &[&Certificate]) -> CrlParams {
        CrlParams {
            issuer: self.certificate.subject_der().to_vec(),
            authority_key_id: self.certificate.subject_key_id().unwrap(),
            number,
            this_update: NOW - Duration::hours(1),
            next_update: NOW + Duration::days(1),
            revoked: revoked
                .iter()
                .map(|certificate| Revoked {
                    serial: certificate.serial().to_vec(),
                    at: NOW - Duration::hours(2),
                    reason: Reason::KeyCompromise,
                })
                .collect(),
        }
    }
}

fn params(
    profile: Profile,
    issuer: &[u8],
    subject: &[u8],
    key: &PublicKey,
    authority: &[u8],
) -> CertificateParams {
    CertificateParams {
        profile,
        serial: cert::new_serial().unwrap(),
        issuer: issuer.to_vec(),
        subject: subject.to_vec(),
        public_key: *key,
        not_before: NOW - Duration::days(100),
        not_after: NOW + Duration::days(265),
        authority_key_id: authority.to_vec(),
        crl_uri: Some("http://127.0.0.1:8080/api/v1/crl/issuing.crl".into()),
        subject_ids: match profile {
            Profile::Signature => vec![
                SubjectId { kind: SubjectIdKind::SocialCredit, value: "91510500204706718H".into() },
                SubjectId { kind: SubjectIdKind::IdentityCard, value: "11010519491231002X".into() },
            ],
            _ => Vec::new(),
        },
    }
}

fn issued(params: &CertificateParams, key: &KeyPair) -> Certificate {
    Certificate::from_der(&cert::issue(params, key).unwrap()).unwrap()
}

/// A folder in which OpenSSL works.
pub struct OpenSsl {
    folder: tempfile::TempDir,
}

impl OpenSsl {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Runs `openssl` with the words of `line`; Ok(output) where it ends with 0, else Err(output).
    pub fn run(&self, line: &str) -> Result<String, String> {
        run(self.folder.path(), &line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn args(&self, args: &[&str]) -> Result<String, String> {
        run(self.folder.path(), args)
    }
}

fn run(folder: &Path, args: &[&str]) -> Result<String, String> {
    let output =
        Command::new("openssl").args(args).current_dir(folder).output().expect("openssl is installed");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text) } else { Err(text) }
}
