export { binomialAt, binomialAtMost, fewestTrials, lowerBound, mostFailures, upperBound } from './binomial.ts'
export { median } from './median.ts'
export { randomNumbers } from './random-numbers.ts'
