//! What calls cost, and how fast they answered: prices from a table, amounts from the store, a sheet of both.
//!
//! No number here is a floating-point one: prices are decimals, sums are exact, and only what is shown is rounded, once.

mod money;
mod percentiles;
mod prices;
mod sheet;

pub use money::{Money, Price};
pub use percentiles::{Percentiles, Span};
pub use prices::{PriceFault, PriceFileError, PriceTable, Rates};
pub use sheet::{CallLine, CarrierLine, Cost, Section, ServiceLine, Sheet};
