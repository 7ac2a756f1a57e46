//! The objects of a token, put together into containers by public key.

use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki_sys::{
    CK_OBJECT_CLASS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ID, CKA_LABEL, CKA_MODULUS, CKA_VALUE, CKO_CERTIFICATE,
    CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
};
use ycd_pki::{Certificate, PublicKey, curve::CURVE_DER};
use ycd_token::{Container, ContainerHandle, KeyPairState, Spki};

use super::der::unpadded;
use super::fault::Fault;
use super::raw::Raw;

/// The attributes in which a token model tells its public keys, instead of CKA_EC_POINT.
#[derive(Clone, Copy)]
pub struct PointAttributes {
    pub x: u32,
    pub y: u32,
}

impl PointAttributes {
    fn read(self, raw: &Raw, session: &Session, key: ObjectHandle) -> Result<Option<Spki>, Fault> {
        let mut point = Vec::with_capacity(64);
        for value in raw.attributes(session, key, [self.x.into(), self.y.into()])? {
            let value = value.unwrap_or_default();
            // GM/T 0016 keeps coordinates in 64 bytes, zeros in front: some modules may hand them on like that.
            let Some((zeros, coordinate)) = value.split_last_chunk::<32>() else { return Ok(None) };
            if zeros.iter().any(|byte| *byte != 0) {
                return Ok(None);
            }
            point.extend_from_slice(coordinate);
        }
        Ok(PublicKey::from_point(&point).ok().map(|key| Spki(key.to_spki_der())))
    }
}

/// What shares one public key; or a private key that does not tell its public key; or certificates without keys.
#[derive(Debug, Default)]
pub struct Group {
    pub spki: Option<Spki>,
    /// CKA_ID of the tokens, or of the certificate where there are none.
    pub id: Vec<u8>,
    pub label: String,
    pub publics: Vec<ObjectHandle>,
    pub privates: Vec<ObjectHandle>,
    pub certificates: Vec<CertificateObject>,
}

#[derive(Debug, Clone)]
pub struct CertificateObject {
    pub handle: ObjectHandle,
    pub id: Vec<u8>,
    /// Value of CKA_VALUE; what a write that was cut off left may be shorter than a certificate.
    pub value: Vec<u8>,
}

/// One look at all objects of a token.
#[derive(Debug, Default)]
pub struct Inventory {
    pub groups: Vec<Group>,
    /// Certificate objects that hold no whole certificate.
    pub torn: Vec<CertificateObject>,
    pub logged_in: bool,
}

impl Inventory {
    pub fn take(
        raw: &Raw,
        session: &Session,
        point: Option<PointAttributes>,
        logged_in: bool,
    ) -> Result<Self, Fault> {
        let publics = keys(raw, session, point, CKO_PUBLIC_KEY)?;
        let privates = keys(raw, session, point, CKO_PRIVATE_KEY)?;
        let mut inventory = Self { logged_in, ..Self::default() };
        let mut certificates = Vec::new();
        for certificate in certificates_of(raw, session)? {
            match Certificate::from_der(&certificate.value) {
                Ok(parsed) => certificates.push((certificate, spki_of(&parsed))),
                Err(_) => inventory.torn.push(certificate),
            }
        }
        for key in &publics {
            let group = inventory.group_of(key.spki.as_ref());
            group.publics.push(key.handle);
            group.name_after(key);
        }
        for key in &privates {
            // Where the private key does not tell its public key, the one it shares its id with is taken, if there is
            // only one. A wrong match does no harm in signing: signatures are verified.
            let spki = key.spki.clone().or_else(|| {
                let of_key =
                    publics.iter().filter(|public| public.id == key.id).map(|public| public.spki.as_ref());
                only(of_key).or_else(|| {
                    only(certificates.iter().filter(|(c, _)| c.id == key.id).map(|(_, spki)| Some(spki)))
                })
            });
            let group = inventory.group_of(spki.as_ref());
            group.privates.push(key.handle);
            group.name_after(key);
        }
        for (certificate, spki) in certificates {
            let group = inventory.group_of(Some(&spki));
            if group.publics.is_empty() && group.privates.is_empty() && group.id.is_empty() {
                group.id.clone_from(&certificate.id);
            }
            group.certificates.push(certificate);
        }
        Ok(inventory)
    }

    pub fn with_key(&self, spki: &Spki) -> Option<&Group> {
        self.groups.iter().find(|group| group.spki.as_ref() == Some(spki))
    }

    pub fn find(&self, container: &ContainerHandle) -> Option<&Group> {
        match container {
            ContainerHandle::PublicKey(spki) => self.with_key(spki),
            ContainerHandle::OrphanWithId(id) => {
                self.groups.iter().find(|group| group.spki.is_none() && group.id == *id)
            }
        }
    }

    /// Key pairs, whole or not.
    pub fn pairs(&self) -> usize {
        self.groups.iter().filter(|group| !group.publics.is_empty() || !group.privates.is_empty()).count()
    }

    pub fn containers(&self) -> Vec<Container> {
        self.groups.iter().map(|group| group.container(self.logged_in)).collect()
    }

    /// The group of a public key, made if need be. Each half that tells none gets a group of its own.
    fn group_of(&mut self, spki: Option<&Spki>) -> &mut Group {
        let known = spki.and_then(|_| self.groups.iter().position(|group| group.spki.as_ref() == spki));
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group { spki: spki.cloned(), ..Group::default() });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }
}

impl Group {
    fn name_after(&mut self, key: &KeyObject) {
        if self.id.is_empty() {
            self.id.clone_from(&key.id);
        }
        if self.label.is_empty() {
            self.label.clone_from(&key.label);
        }
    }

    fn container(&self, logged_in: bool) -> Container {
        let handle = match &self.spki {
            Some(spki) => ContainerHandle::PublicKey(spki.clone()),
            None => ContainerHandle::OrphanWithId(self.id.clone()),
        };
        let told_by_certificate = self.spki.is_some() && !self.certificates.is_empty();
        let pair = match (self.publics.is_empty(), self.privates.is_empty()) {
            (false, false) => KeyPairState::Complete,
            // Tokens that keep no public keys beside their certificates.
            (true, false) if told_by_certificate => KeyPairState::Complete,
            (true, false) => KeyPairState::Orphaned,
            (_, true) if !logged_in => KeyPairState::PrivateHidden,
            (false, true) => KeyPairState::Orphaned,
            (true, true) => KeyPairState::Nothing,
        };
        let mut certificates: Vec<Vec<u8>> = Vec::new();
        for certificate in &self.certificates {
            if !certificates.contains(&certificate.value) {
                certificates.push(certificate.value.clone());
            }
        }
        Container {
            handle,
            spki: self.spki.clone(),
            id: self.id.clone(),
            label: self.label.clone(),
            pair,
            certificates,
        }
    }
}

/// The SubjectPublicKeyInfo of a certificate, in the one form that keys of the token are given in too.
pub fn spki_of(certificate: &Certificate) -> Spki {
    match certificate.public_key() {
        Ok(key) => Spki(key.to_spki_der()),
        Err(_) => Spki(certificate.spki_der().to_vec()),
    }
}

pub fn certificates_of(raw: &Raw, session: &Session) -> Result<Vec<CertificateObject>, Fault> {
    let mut certificates = Vec::new();
    for handle in raw.find(session, CKO_CERTIFICATE)? {
        let [id, value] = raw.attributes(session, handle, [CKA_ID, CKA_VALUE])?;
        // One that is there and not told is not one that was torn.
        let Some(value) = value.map(unpadded) else { continue };
        certificates.push(CertificateObject { handle, id: id.unwrap_or_default(), value });
    }
    Ok(certificates)
}

/// A key of a token that may be an SM2 key.
#[derive(Debug)]
pub struct KeyObject {
    pub handle: ObjectHandle,
    pub id: Vec<u8>,
    pub label: String,
    pub spki: Option<Spki>,
}

impl KeyObject {
    /// `None` for a token that is certainly of another algorithm.
    pub fn read(
        raw: &Raw,
        session: &Session,
        point: Option<PointAttributes>,
        handle: ObjectHandle,
    ) -> Result<Option<Self>, Fault> {
        // CKA_KEY_TYPE is not asked for: the numbers differ from model to model.
        let values =
            raw.attributes(session, handle, [CKA_ID, CKA_LABEL, CKA_EC_PARAMS, CKA_EC_POINT, CKA_MODULUS])?;
        let [id, label, curve, told, modulus] = values.map(Option::unwrap_or_default);
        if !(curve.is_empty() || curve == CURVE_DER) || !modulus.is_empty() {
            return Ok(None);
        }
        let label = String::from_utf8_lossy(&label).trim().to_owned();
        let mut spki = PublicKey::from_point(&told).ok().map(|key| Spki(key.to_spki_der()));
        if let (None, Some(point)) = (&spki, point) {
            spki = point.read(raw, session, handle)?;
        }
        Ok(Some(Self { handle, id, label, spki }))
    }
}

fn keys(
    raw: &Raw,
    session: &Session,
    point: Option<PointAttributes>,
    class: CK_OBJECT_CLASS,
) -> Result<Vec<KeyObject>, Fault> {
    let handles = raw.find(session, class)?;
    handles
        .into_iter()
        .filter_map(|handle| KeyObject::read(raw, session, point, handle).transpose())
        .collect()
}

/// The public key that all of these name; `None` where they differ or one tells none.
fn only<'a>(mut keys: impl Iterator<Item = Option<&'a Spki>>) -> Option<Spki> {
    let first = keys.next()??;
    keys.all(|key| key == Some(first)).then(|| first.clone())
}
