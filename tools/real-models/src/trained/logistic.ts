/** Weights of a linear classifier: `weights[f * classes + c]`, and a bias for each class. */
export interface LinearClassifier {
  readonly weights: Float32Array
  readonly bias: Float32Array
}

const ITERATIONS = 500

/**
 * Multinomial logistic regression with an L2 penalty, by accelerated gradient descent (Nesterov, 1983) on standardized features from zero:
 * no chance is involved.
 * @param features one row an example
 * @param penalty on half the squared weights of standardized features, relative to the mean cross-entropy
 */
export function fitLinearClassifier(
  features: readonly Float32Array[],
  labels: readonly number[],
  classes: number,
  penalty: number,
): LinearClassifier {
  const width = features[0]?.length ?? 0
  const { mean, deviation } = standards(features, width)
  const rows = features.map((row) => row.map((value, f) => (value - at(mean, f)) / at(deviation, f)))
  const size = (width + 1) * classes
  let [current, ahead, momentum] = [new Float64Array(size), new Float64Array(size), 1]
  const step = 1 / (0.5 * (largestCurvature(rows, width) + 1) + penalty)
  for (let i = 0; i < ITERATIONS; i++) {
    const gradient = gradientAt(ahead, rows, labels, classes, penalty)
    const next = ahead.map((value, j) => value - step * at(gradient, j))
    const following = (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2
    ahead = next.map((value, j) => value + ((momentum - 1) / following) * (value - at(current, j)))
    ;[current, momentum] = [next, following]
  }
  const weights = Float32Array.from(
    { length: width * classes },
    (_, j) => at(current, j) / at(deviation, Math.floor(j / classes)),
  )
  const bias = Float32Array.from({ length: classes }, (_, c) => {
    const shift = mean.reduce((sum, value, f) => sum + value * at(weights, f * classes + c), 0)
    return at(current, width * classes + c) - shift
  })
  return { weights, bias }
}

function standards(features: readonly Float32Array[], width: number) {
  const mean = new Float64Array(width)
  const deviation = new Float64Array(width)
  for (const row of features) for (let f = 0; f < width; f++) mean[f] = at(mean, f) + at(row, f) / features.length
  for (const row of features)
    for (let f = 0; f < width; f++) deviation[f] = at(deviation, f) + (at(row, f) - at(mean, f)) ** 2 / features.length
  return { mean, deviation: deviation.map((variance) => Math.sqrt(variance) || 1) }
}

/** The largest eigenvalue of XᵀX / n, by 30 steps of power iteration. */
function largestCurvature(rows: readonly Float32Array[], width: number): number {
  let vector = new Float64Array(width).fill(1)
  let value = 1
  for (let i = 0; i < 30; i++) {
    const product = new Float64Array(width)
    for (const row of rows) {
      const dot = row.reduce((sum, x, f) => sum + x * at(vector, f), 0) / rows.length
      for (let f = 0; f < width; f++) product[f] = at(product, f) + dot * at(row, f)
    }
    value = Math.hypot(...product)
    vector = product.map((x) => x / value)
  }
  return value
}

/** Of the mean cross-entropy and the penalty; the last row of `parameters` is the bias. */
function gradientAt(
  parameters: Float64Array,
  rows: readonly Float32Array[],
  labels: readonly number[],
  classes: number,
  penalty: number,
): Float64Array {
  const width = parameters.length / classes - 1
  const gradient = parameters.map((value, j) => (j < width * classes ? penalty * value : 0))
  const logits = new Float64Array(classes)
  for (const [i, row] of rows.entries()) {
    logits.set(parameters.subarray(width * classes))
    for (let f = 0; f < width; f++)
      for (let c = 0; c < classes; c++) logits[c] = at(logits, c) + at(row, f) * at(parameters, f * classes + c)
    const highest = Math.max(...logits)
    const sum = logits.reduce((total, z) => total + Math.exp(z - highest), 0)
    for (let c = 0; c < classes; c++) {
      const error = (Math.exp(at(logits, c) - highest) / sum - Number(labels[i] === c)) / rows.length
      for (let f = 0; f < width; f++) gradient[f * classes + c] = at(gradient, f * classes + c) + error * at(row, f)
      gradient[width * classes + c] = at(gradient, width * classes + c) + error
    }
  }
  return gradient
}

function at(array: Float64Array | Float32Array, i: number): number {
  return array[i] as number
}
