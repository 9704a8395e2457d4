"""A history that nobody lived: for demonstrations, benchmarks and the first hour with the warehouse."""
