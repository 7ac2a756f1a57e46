//! Parameters, refused as problems where they are wrong.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use ycd_portal_api::problem::{Problem, kinds};

use crate::Error;

/// Parts of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection| Problem::new(kinds::BAD_PARAMETER).detail(rejection.body_text()).into())
    }
}

/// The query.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| Problem::new(kinds::BAD_PARAMETER).detail(rejection.body_text()).into())
    }
}

/// From where the request came.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip())))
    }
}

/// Page, page size, rows to skip.
pub fn paging(page: Option<u32>, page_size: Option<u32>) -> Result<(u32, u32, i64), Error> {
    let (page, size) = (page.unwrap_or(1), page_size.unwrap_or(10));
    if page == 0 || size == 0 || size > 100 {
        return Err(Problem::new(kinds::BAD_PARAMETER).detail("page ≥ 1, 1 ≤ page_size ≤ 100").into());
    }
    Ok((page, size, i64::from(page - 1) * i64::from(size)))
}
