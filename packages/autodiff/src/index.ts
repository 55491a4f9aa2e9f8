export { type GradientOptions, gradients } from './gradients.ts'
