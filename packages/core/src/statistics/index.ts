// Binomial bounds, and random numbers that are the same on every machine.

export { binomialAt, binomialAtMost, fewestTrials, lowerBound, mostFailures, upperBound } from './binomial.ts'
export { median } from './median.ts'
export { randomNumbers } from './random-numbers.ts'
