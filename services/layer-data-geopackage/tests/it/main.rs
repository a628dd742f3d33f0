//! The GeoPackage store against the conformance suite, its own properties, and GDAL as an outside reader.

#[cfg(test)]
mod comparisons;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod conforms;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod given_up;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod history;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod unique;
