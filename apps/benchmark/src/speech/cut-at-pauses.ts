/** Seconds of a clip, from and to, and of the last one at least; of the stretch whose power is compared; from one such stretch to the next. */
const [LEAST, MOST, LAST] = [3, 9, 2]
const [STRETCH, STEP] = [0.2, 0.01]

/** A recording as clips of 3 to 9 s, each of which ends where the recording is quietest. */
export function cutAtPauses(samples: Float32Array, rate: number): Float32Array[] {
  const energy = new Float64Array(samples.length + 1)
  for (const [i, x] of samples.entries()) energy[i + 1] = (energy[i] as number) + x * x
  const half = Math.round((STRETCH / 2) * rate)
  const around = (i: number): number =>
    (energy[Math.min(i + half, samples.length)] as number) - (energy[Math.max(i - half, 0)] as number)
  const clips: Float32Array[] = []
  let start = 0
  while (samples.length - start > MOST * rate) {
    const end = Math.min(start + MOST * rate, samples.length - LAST * rate)
    let quietest = start + LEAST * rate
    for (let i = quietest; i < end; i += Math.round(STEP * rate)) if (around(i) < around(quietest)) quietest = i
    clips.push(samples.slice(start, quietest))
    start = quietest
  }
  return [...clips, samples.slice(start)]
}
