//! (2) The dialect: names, hash orders, texts and XML. It knows neither a web framework nor SQL.

mod admission;
pub mod answer;
pub mod arrangements;
mod call;
pub mod curl;
pub mod diagnosis;
pub mod dispatch;
pub mod encoding;
pub mod envelope;
pub mod example;
mod failure;
pub mod fault;
pub mod limits;
pub mod method;
pub mod methods;
pub mod openapi;
pub mod parameter;
pub mod parameters;
mod provider_details;
pub mod reference;
mod request;
pub mod signature;
pub mod xml;
