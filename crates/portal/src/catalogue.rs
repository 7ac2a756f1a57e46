//! `GET /project`, `GET /products`.

use axum::{Json, extract::State};
use sqlx::Row as _;
use utoipa_axum::{router::OpenApiRouter, routes};
use ycd_portal_api::{
    Problem,
    problem::kinds,
    wire::catalogue::{HolderKind, Price, Product, Project},
};

use crate::{Error, Portal, db::Conn, orders::word};

pub fn routes() -> OpenApiRouter<Portal> {
    OpenApiRouter::new().routes(routes!(project)).routes(routes!(products))
}

/// What an order for a product and term is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub name: String,
    pub holder: HolderKind,
    /// Fen.
    pub amount: i64,
}

/// The price of a product for a term; `product.not_found`.
pub async fn offer(db: &mut Conn, product: &str, validity_years: u8) -> Result<Offer, Error> {
    let row = sqlx::query(
        "SELECT p.name, p.holder, r.amount FROM products p JOIN prices r ON r.product = p.code
         WHERE p.code = $1 AND r.validity_years = $2",
    )
    .bind(product)
    .bind(validity_years)
    .fetch_optional(db)
    .await?
    .ok_or(kinds::PRODUCT_UNKNOWN)?;
    Ok(Offer {
        name: row.try_get("name")?,
        holder: word(row.try_get("holder")?)?,
        amount: row.try_get("amount")?,
    })
}

/// Whom a product is for; `product.not_found`.
pub async fn holder_kind(db: &mut Conn, product: &str) -> Result<HolderKind, Error> {
    let row = sqlx::query("SELECT holder FROM products WHERE code = $1")
        .bind(product)
        .fetch_optional(db)
        .await?
        .ok_or(kinds::PRODUCT_UNKNOWN)?;
    Ok(word(row.try_get(0)?)?)
}

/// The project through which everything is ordered.
#[utoipa::path(get, path = "/project", responses((status = 200, body = Project), (status = "default", body = Problem)))]
async fn project(State(portal): State<Portal>) -> Json<Project> {
    let project = &portal.config().project;
    Json(Project {
        portal: portal.name().into(),
        code: project.code.clone(),
        name: project.name.clone(),
        hotline: project.hotline.clone(),
        expiring_soon_days: project.expiring_soon_days,
        validity_start: project.validity_start,
        pin: project.pin,
        bank_account: project.bank_account.clone(),
    })
}

/// What is sold, with its prices by term.
#[utoipa::path(get, path = "/products",
    responses((status = 200, body = Vec<Product>), (status = "default", body = Problem)))]
async fn products(State(portal): State<Portal>) -> Result<Json<Vec<Product>>, Error> {
    let mut db = portal.db().read().await?;
    let mut products = Vec::new();
    for row in sqlx::query("SELECT code, name, holder, seal FROM products ORDER BY position")
        .fetch_all(&mut *db)
        .await?
    {
        products.push(Product {
            code: row.try_get("code")?,
            name: row.try_get("name")?,
            holder: word(row.try_get("holder")?)?,
            seal: row.try_get("seal")?,
            prices: Vec::new(),
        });
    }
    for row in
        sqlx::query("SELECT product, validity_years, amount FROM prices ORDER BY product, validity_years")
            .fetch_all(&mut *db)
            .await?
    {
        let code: String = row.try_get("product")?;
        let price = Price { validity_years: row.try_get("validity_years")?, amount: row.try_get("amount")? };
        if let Some(product) = products.iter_mut().find(|product| product.code == code) {
            product.prices.push(price);
        }
    }
    Ok(Json(products))
}
