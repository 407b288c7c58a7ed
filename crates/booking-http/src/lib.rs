//! Booking over HTTP: routes, pages, configuration, and the program itself
