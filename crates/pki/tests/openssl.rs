//! OpenSSL's command line verifies what we make, and we read and verify what it makes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Ca, DISTID, NOW, OpenSsl, name, root};
use der::{Encode, Tag, asn1::Any};
use ycd_pki::{
    Certificate, KeyPair, PkiError, Signer,
    cert::Usage,
    chain::{Revocation, verify_chain},
    crl::Crl,
    csr::{self, Request},
    name::Name,
};

fn at() -> String {
    NOW.unix_timestamp().to_string()
}

/// Root, issuing CA and leaf written for OpenSSL.
fn written() -> (OpenSsl, Ca, Ca, Certificate) {
    let openssl = OpenSsl::new();
    let root = root();
    let issuing = root.authority("示例签发");
    let leaf = issuing.leaf(&KeyPair::generate().unwrap().public_key());
    openssl.write("root.pem", root.certificate.to_pem().unwrap());
    openssl.write("issuing.pem", issuing.certificate.to_pem().unwrap());
    openssl.write("leaf.pem", leaf.to_pem().unwrap());
    (openssl, root, issuing, leaf)
}

#[test]
fn openssl_verifies_our_request() {
    let openssl = OpenSsl::new();
    let key = KeyPair::generate().unwrap();
    let subject = Name::enterprise("示例酒业有限公司", Some("四川省"), Some("泸州市")).to_der().unwrap();
    let request = Request::from_der(&csr::build(&key, &subject).unwrap()).unwrap();
    request.verify().unwrap();
    openssl.write("request.pem", request.to_pem().unwrap());
    let printed = openssl.run(&format!("req -verify -noout -in request.pem -vfyopt {DISTID}")).unwrap();
    assert!(printed.contains("verify OK") || printed.contains("self-signature verify OK"), "{printed}");
    let text = openssl.run("req -text -noout -nameopt utf8 -in request.pem").unwrap();
    assert!(text.contains("示例酒业有限公司") && text.contains("SM2"), "{text}");
    // Parameters of the signature algorithm are absent: its SEQUENCE holds the identifier alone.
    let dump = openssl.run("asn1parse -in request.pem").unwrap();
    assert!(!dump.contains("NULL"), "{dump}");
}

/// What comes out when a library's raw `r ‖ s` is taken for the encoding of a signature: it compiles, and it is wrong.
#[test]
fn a_request_with_the_raw_signature_in_the_bit_string_is_refused_by_openssl_and_by_us() {
    let openssl = OpenSsl::new();
    let key = KeyPair::generate().unwrap();
    let subject = name("示例");
    let info = csr::info(&key.public_key(), &subject).unwrap();
    let raw = key.sign(&info).unwrap().to_raw();
    let algorithm = hex::decode("300a06082a811ccf55018375").unwrap();
    let content = [&info[..], &algorithm, &[0x03, 65, 0], &raw].concat();
    let der = Any::new(Tag::Sequence, content).unwrap().to_der().unwrap();
    let wrong = Request::from_der(&der).unwrap();
    assert!(matches!(wrong.verify(), Err(PkiError::Malformed { .. })));
    openssl.write("wrong.pem", wrong.to_pem().unwrap());
    openssl.run(&format!("req -verify -noout -in wrong.pem -vfyopt {DISTID}")).unwrap_err();

    let right = csr::build(&key, &subject).unwrap();
    let dump = hex::encode(&right);
    assert!(!dump.contains(&hex::encode(raw)), "our request holds the raw signature");
}

#[test]
fn openssl_verifies_our_chain() {
    let (openssl, ..) = written();
    let at = at();
    let verify = format!("verify -vfyopt {DISTID} -attime {at} -x509_strict -CAfile root.pem");
    openssl.run(&format!("{verify} root.pem")).unwrap();
    openssl.run(&format!("{verify} issuing.pem")).unwrap();
    // OpenSSL 3.0 uses -vfyopt for the certificate it is asked about and for no other of the chain; so each link is
    // verified on its own, from an issuing CA taken as an anchor.
    let verify =
        format!("verify -vfyopt {DISTID} -attime {at} -x509_strict -partial_chain -CAfile issuing.pem");
    openssl.run(&format!("{verify} leaf.pem")).unwrap();
    let stranger = root().leaf(&KeyPair::generate().unwrap().public_key());
    openssl.write("stranger.pem", stranger.to_pem().unwrap());
    openssl.run(&format!("{verify} stranger.pem")).unwrap_err();
    let text = openssl.run("x509 -text -noout -in leaf.pem").unwrap();
    for expected in [
        "Digital Signature, Non Repudiation",
        "URI:http://127.0.0.1:8080/api/v1/crl/issuing.crl",
        "CA:FALSE",
        "1.2.156.10260.4.1.4",
        "1.2.156.10260.4.1.1",
    ] {
        assert!(text.contains(expected), "{expected} is missing: {text}");
    }
    let text = openssl.run("x509 -text -noout -in issuing.pem").unwrap();
    assert!(text.contains("CA:TRUE, pathlen:0"), "{text}");
}

#[test]
fn openssl_reads_our_list_and_finds_the_revoked_leaf_in_it() {
    let (openssl, _, issuing, leaf) = written();
    let list = issuing.crl(2, &[&leaf]);
    openssl.write("issuing.crl", list.to_pem().unwrap());
    let text = openssl.run("crl -text -noout -in issuing.crl").unwrap();
    assert!(text.contains(&leaf.serial_hex()) && text.contains("Key Compromise"), "{text}");
    assert!(text.contains("X509v3 CRL Number: \n                2"), "{text}");
    // With -crl_check OpenSSL 3.0 cannot be told the identifier of a list's signature (-vfyopt reaches certificates
    // alone), and says so after it has found the list; the signature itself is the next test's.
    let printed = openssl
        .run(&format!(
            "verify -vfyopt {DISTID} -attime {} -crl_check -partial_chain -CAfile issuing.pem -CRLfile issuing.crl leaf.pem",
            at()
        ))
        .unwrap_err();
    assert!(
        printed.contains("certificate revoked") || printed.contains("CRL signature failure"),
        "{printed}"
    );
}

#[test]
fn openssl_verifies_the_signature_of_our_list() {
    let (openssl, _, issuing, leaf) = written();
    let list = issuing.crl(7, &[&leaf]);
    openssl.write("list.der", list.der());
    openssl.run("x509 -in issuing.pem -pubkey -noout -out issuing.pub").unwrap();
    // The list's own three parts, cut out by OpenSSL.
    let dump = openssl.run("asn1parse -inform DER -in list.der").unwrap();
    let places: Vec<&str> = dump
        .lines()
        .filter(|line| line.contains("d=1 "))
        .map(|line| line.split(':').next().unwrap().trim())
        .collect();
    let [body, _, signature] = places[..] else { panic!("{dump}") };
    openssl
        .run(&format!("asn1parse -inform DER -in list.der -strparse {body} -noout -out body.der"))
        .unwrap();
    openssl
        .run(&format!("asn1parse -inform DER -in list.der -strparse {signature} -noout -out signature.der"))
        .unwrap();
    let verify = format!(
        "pkeyutl -verify -pubin -inkey issuing.pub -rawin -digest sm3 -pkeyopt {DISTID} -in body.der -sigfile signature.der"
    );
    openssl.run(&verify).unwrap();
    let mut body = openssl.read("body.der");
    *body.last_mut().unwrap() ^= 1;
    openssl.write("body.der", body);
    openssl.run(&verify).unwrap_err();
}

#[test]
fn we_verify_what_openssl_makes() {
    let openssl = OpenSsl::new();
    openssl.run("genpkey -algorithm SM2 -out ca.key").unwrap();
    openssl.run("genpkey -algorithm SM2 -out user.key").unwrap();
    openssl.write("ca.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n");
    openssl.write(
        "user.ext",
        "keyUsage=critical,digitalSignature,nonRepudiation\nauthorityKeyIdentifier=keyid\ncrlDistributionPoints=URI:http://crl.example/a.crl\n",
    );
    let subj = ["-utf8", "-subj", "/C=CN/O=示例公司/CN=张三"];
    let distid = ["-sm3", "-sigopt", DISTID];
    let request = |key, out| {
        let args = [&["req", "-new", "-key", key, "-out", out][..], &subj, &distid].concat();
        openssl.args(&args).unwrap();
    };
    request("user.key", "user.csr");
    request("ca.key", "ca.csr");
    openssl
        .run(&format!("x509 -req -in ca.csr -signkey ca.key -sm3 -sigopt {DISTID} -vfyopt {DISTID} -days 3650 -extfile ca.ext -out ca.pem"))
        .unwrap();
    openssl
        .run(&format!("x509 -req -in user.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sm3 -sigopt {DISTID} -vfyopt {DISTID} -days 365 -extfile user.ext -out user.pem"))
        .unwrap();

    let request = Request::from_pem(&openssl.text("user.csr")).unwrap();
    request.verify().unwrap();
    assert_eq!(Name::from_der(request.subject_der()).unwrap().to_string(), "C=CN, O=示例公司, CN=张三");

    let (ca, user) = (
        Certificate::from_pem(&openssl.text("ca.pem")).unwrap(),
        Certificate::from_pem(&openssl.text("user.pem")).unwrap(),
    );
    let at = user.not_before();
    let chain =
        verify_chain(&user, &[], std::slice::from_ref(&ca), Revocation::Ignored, at, Usage::Sign).unwrap();
    assert_eq!(chain.certificates.len(), 2);
    assert_eq!(user.public_key().unwrap(), *request.public_key());
    assert_eq!(user.crl_uris(), ["http://crl.example/a.crl"]);
    // The serial number of the command line, as hex.
    let printed = openssl.run("x509 -in user.pem -noout -serial").unwrap();
    assert_eq!(printed.trim(), format!("serial={}", user.serial_hex()));

    let key = KeyPair::from_pkcs8_pem(&openssl.text("user.key")).unwrap();
    assert_eq!(key.public_key(), user.public_key().unwrap());
    openssl.write("ours.key", key.to_pkcs8_pem().unwrap().as_bytes());
    let (ours, theirs) = (
        "pkey -in ours.key -pubout -outform DER -out a.der",
        "pkey -in user.key -pubout -outform DER -out b.der",
    );
    openssl.run(ours).unwrap();
    openssl.run(theirs).unwrap();
    assert_eq!(openssl.read("a.der"), openssl.read("b.der"));
    assert_eq!(openssl.read("a.der"), key.public_key().to_spki_der());
}

#[test]
fn we_read_a_list_that_openssl_makes() {
    let openssl = OpenSsl::new();
    openssl.run("genpkey -algorithm SM2 -out ca.key").unwrap();
    let args = [
        "req",
        "-x509",
        "-new",
        "-key",
        "ca.key",
        "-out",
        "ca.pem",
        "-sm3",
        "-sigopt",
        DISTID,
        "-subj",
        "/C=CN/CN=CA",
    ];
    openssl.args(&args).unwrap();
    openssl.write("index.txt", "R\t300101000000Z\t260101000000Z,keyCompromise\t4A01\tunknown\t/CN=user\n");
    openssl.write("number", "0B\n");
    openssl.write(
        "ca.cnf",
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sm3\ndefault_crl_days=30\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n",
    );
    openssl
        .run(&format!(
            "ca -gencrl -config ca.cnf -keyfile ca.key -cert ca.pem -sigopt {DISTID} -out list.pem"
        ))
        .unwrap();
    let ca = Certificate::from_pem(&openssl.text("ca.pem")).unwrap();
    let list = Crl::from_pem(&openssl.text("list.pem")).unwrap();
    list.verify(&ca.public_key().unwrap()).unwrap();
    assert_eq!(list.number(), Some(11));
    assert_eq!(list.lookup(&[0x4A, 0x01]).unwrap().reason, ycd_pki::crl::Reason::KeyCompromise);
    assert_eq!(list.lookup(&[0x4A, 0x02]), None);
}
