//! A new order: number, price, and a form filled in from last time.

use sqlx::Row as _;
use time::{OffsetDateTime, UtcOffset, macros::format_description};
use ycd_portal_api::{
    problem::{Problem, kinds},
    wire::{
        catalogue::HolderKind,
        form::{Company, CompanyCodeType, Delivery, DeliveryKind, Invoice, LegalRepresentative, OrderForm},
        orders::{CreateOrder, OrderKind, OrderRef},
    },
};

use super::{
    machine::InternalStatus,
    record::{Order, load, name_of, word},
};
use crate::{
    Error, Portal, audit, catalogue,
    certificates::{self, Certificate},
    db::{Conn, millis},
    http::{Actor, User},
};

/// Makes a draft. Refused with the reason where the certificate allows none, or has one (`order.already_open`, with
/// `order`).
pub(super) async fn create(
    portal: &Portal,
    db: &mut Conn,
    user: &User,
    request: &CreateOrder,
    now: OffsetDateTime,
) -> Result<Order, Error> {
    let certificate = certificates::load_own(db, &request.certificate, user).await?;
    certificates::usable_for(request.kind, &certificate, now)?;
    if let Some(open) = open_work_order(db, &certificate.serial).await? {
        return Err(Problem::new(kinds::ORDER_OPEN).with("order", open).into());
    }
    check_number_of_orders(portal, db, user).await?;
    let product = request.product.as_deref().unwrap_or(&certificate.product);
    let offer = catalogue::offer(db, product, request.validity_years).await?;
    if offer.holder != certificate.holder.kind {
        return Err(kinds::PRODUCT_UNKNOWN.into());
    }
    let form = prefilled(db, user, &certificate, offer.holder).await?;
    let new = NewOrder {
        kind: request.kind,
        certificate: &certificate,
        product,
        product_name: &offer.name,
        validity_years: request.validity_years,
        amount: offer.amount,
        company: company_name(&form),
        form: &form,
    };
    insert(db, user, &new, now).await
}

/// Makes the draft of an unlock: without charge, term or form of its own kind.
pub(crate) async fn create_unlock(
    db: &mut Conn,
    user: &User,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> Result<Order, Error> {
    let new = NewOrder {
        kind: OrderKind::Unlock,
        certificate,
        product: &certificate.product,
        product_name: &certificate.product_name,
        validity_years: 0,
        amount: 0,
        company: &certificate.holder.name,
        form: &OrderForm::default(),
    };
    insert(db, user, &new, now).await
}

struct NewOrder<'a> {
    kind: OrderKind,
    certificate: &'a Certificate,
    product: &'a str,
    /// Without the kind.
    product_name: &'a str,
    validity_years: u8,
    /// Fen.
    amount: i64,
    form: &'a OrderForm,
    company: &'a str,
}

async fn insert(db: &mut Conn, user: &User, new: &NewOrder<'_>, now: OffsetDateTime) -> Result<Order, Error> {
    let no = number(db, ORDER, now).await?;
    sqlx::query(
        "INSERT INTO orders (no, kind, internal_status, public_status, open, user_id, certificate, token_id, product, product_name,
         validity_years, amount, form, company, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
    )
    .bind(&no)
    .bind(name_of(&new.kind)?)
    .bind(InternalStatus::Draft.name())
    .bind(InternalStatus::Draft.name())
    .bind(user.id)
    .bind(&new.certificate.serial)
    .bind(&new.certificate.token_id)
    .bind(new.product)
    .bind(format!("{}-{}", new.product_name, new.kind.label()))
    .bind(new.validity_years)
    .bind(new.amount)
    .bind(serde_json::to_string(new.form)?)
    .bind(new.company)
    .bind(millis(now))
    .execute(&mut *db)
    .await?;
    let actor = Actor::from(user.clone());
    sqlx::query(
        "INSERT INTO order_events (order_no, at, event, from_status, to_status, public_status, actor_kind, actor)
         VALUES ($1, $2, 'create', 'draft', 'draft', 'draft', 'applicant', $3)",
    )
    .bind(&no)
    .bind(millis(now))
    .bind(actor.to_string())
    .execute(&mut *db)
    .await?;
    audit::record(db, &actor, "order.create", &no, None, now).await?;
    load(db, &no).await
}

/// The open order for work on the key of a certificate, if there is one.
pub(crate) async fn open_work_order(db: &mut Conn, certificate: &str) -> Result<Option<OrderRef>, Error> {
    let row = sqlx::query(
        "SELECT no, kind, public_status FROM orders
         WHERE certificate = $1 AND open = 1 AND kind IN ('renewal', 'expired_purchase')",
    )
    .bind(certificate)
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(OrderRef {
            no: row.try_get("no")?,
            kind: word(row.try_get("kind")?)?,
            state: word(row.try_get("public_status")?)?,
        })
    })
    .transpose()
}

/// Under which name an order is found.
pub(super) fn company_name(form: &OrderForm) -> &str {
    form.company.as_ref().map_or(&form.applicant.name, |company| &company.name)
}

/// What the numbers of orders begin with.
const ORDER: &str = "SAAS1";

/// The prefix, the second in Beijing, and a number that begins anew with every second.
pub(crate) async fn number(db: &mut Conn, prefix: &str, now: OffsetDateTime) -> Result<String, Error> {
    let beijing = now.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC));
    let second = beijing
        .format(format_description!("[year][month][day][hour][minute][second]"))
        .map_err(|error| Error::Stored(error.to_string()))?;
    let last: i64 = sqlx::query(
        "INSERT INTO order_numbers (second, last) VALUES ($1, 1)
         ON CONFLICT (second) DO UPDATE SET last = order_numbers.last + 1 RETURNING last",
    )
    .bind(&second)
    .fetch_one(db)
    .await?
    .try_get(0)?;
    Ok(format!("{prefix}{second}{last:06}"))
}

async fn check_number_of_orders(portal: &Portal, db: &mut Conn, user: &User) -> Result<(), Error> {
    let open: i64 = sqlx::query("SELECT count(*) FROM orders WHERE user_id = $1 AND open = 1")
        .bind(user.id)
        .fetch_one(db)
        .await?
        .try_get(0)?;
    if open < i64::from(portal.config().open_orders_per_user) {
        Ok(())
    } else {
        Err(kinds::ORDERS_TOO_MANY.into())
    }
}

/// The form of the user's last order for this certificate or a predecessor of it, else of the last for the same
/// holder, else what the certificate says.
async fn prefilled(
    db: &mut Conn,
    user: &User,
    certificate: &Certificate,
    product: HolderKind,
) -> Result<OrderForm, Error> {
    let row = sqlx::query(
        "SELECT o.form FROM orders o JOIN certificates c ON c.serial = o.certificate
         WHERE o.user_id = $1 AND c.holder_name = $2 AND o.product = $3 AND o.submitted_at IS NOT NULL
         ORDER BY o.submitted_at DESC LIMIT 1",
    )
    .bind(user.id)
    .bind(&certificate.holder.name)
    .bind(&certificate.product)
    .fetch_optional(db)
    .await?;
    if let Some(row) = row {
        return Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?);
    }
    let holder = &certificate.holder;
    let mut form = OrderForm {
        invoice: Invoice {
            title: holder.name.clone(),
            tax_number: holder.uscc.clone().unwrap_or_default(),
            ..Invoice::default()
        },
        // The token is in the applicant's hand; an invoice goes by e-mail.
        delivery: Delivery { kind: DeliveryKind::None, ..Delivery::default() },
        ..OrderForm::default()
    };
    form.applicant.phone.clone_from(&user.phone);
    match product {
        HolderKind::Personal => {
            form.applicant.name.clone_from(&holder.name);
            form.applicant.id_number = holder.id_number.clone().unwrap_or_default();
        }
        HolderKind::Enterprise | HolderKind::LegalRepresentative => {
            form.company = Some(Company {
                name: holder.name.clone(),
                code_type: CompanyCodeType::Uscc,
                code: holder.uscc.clone().unwrap_or_default(),
                ..Company::default()
            });
            form.legal_representative = Some(LegalRepresentative {
                name: holder.person.clone().unwrap_or_default(),
                ..LegalRepresentative::default()
            });
        }
    }
    Ok(form)
}

/// Kinds whose orders are for work on a token in hand.
pub(super) fn is_job(kind: OrderKind) -> bool {
    match kind {
        OrderKind::Renewal | OrderKind::ExpiredPurchase => true,
        OrderKind::Purchase
        | OrderKind::Unlock
        | OrderKind::Reissue
        | OrderKind::Recovery
        | OrderKind::Download
        | OrderKind::Change => false,
    }
}
