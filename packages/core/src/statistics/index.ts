export { binomialAt, binomialAtMost, fewestTrials, lowerBound, mostFailures, upperBound } from './binomial.ts'
export { randomNumbers } from './random-numbers.ts'
