import type { NamedTensors, TensorLike } from '@tp/core'
import type { JSX } from 'preact'
import type { Result } from '../../workbench/workbench.ts'
import { type Class, classesOf, likeness } from './classes.ts'

const SHOWN = 3

/** What both models say, side by side. */
export function Answers({
  result,
  labels,
}: {
  readonly result: Result
  readonly labels: readonly string[] | undefined
}): JSX.Element {
  const [dense, pruned] = [outputOf(result.dense), outputOf(result.pruned)]
  const classes = { dense: classesOf(dense, labels), pruned: classesOf(pruned, labels) }
  const same = classes.dense?.[0]?.name === classes.pruned?.[0]?.name
  return (
    <section class="card answers" aria-labelledby="answers-title">
      <h2 id="answers-title">What they say</h2>
      <div class="sides">
        <Side title="With every token" kind="dense" classes={classes.dense} />
        <Side title="Pruned" kind="pruned" classes={classes.pruned} />
      </div>
      <p class={same ? 'verdict good' : 'verdict bad'}>
        {classes.dense === undefined
          ? `The outputs are ${likeness(dense, pruned)} alike (cosine).`
          : same
            ? 'The same answer.'
            : 'Not the same answer: keep more.'}
      </p>
      <details>
        <summary>Numbers</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">output</th>
              <th scope="col">every token</th>
              <th scope="col">pruned</th>
            </tr>
          </thead>
          <tbody>
            {firstNumbers(dense).map((value, i) => (
              <tr key={i}>
                <th scope="row">{labels?.[i] ?? i}</th>
                <td data-output="dense">{value.toFixed(5)}</td>
                <td data-output="pruned">{firstNumbers(pruned)[i]?.toFixed(5)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

function Side({
  title,
  kind,
  classes,
}: {
  readonly title: string
  readonly kind: 'dense' | 'pruned'
  readonly classes: readonly Class[] | undefined
}): JSX.Element {
  return (
    <div class={`side ${kind}`} data-testid={`answer-${kind}`}>
      <h3>{title}</h3>
      {classes === undefined && <p class="answer">numbers</p>}
      {classes?.slice(0, SHOWN).map(({ name, share }, i) => (
        <div key={name} class={i === 0 ? 'class first' : 'class'}>
          <span class="name">{name}</span>
          <span class="bar" style={{ '--share': share }} />
          <span class="share">{percent(share)}</span>
        </div>
      ))}
    </div>
  )
}

function outputOf(outputs: NamedTensors): TensorLike {
  return Object.values(outputs)[0] as TensorLike
}

const MOST_NUMBERS = 12

function firstNumbers({ data }: TensorLike): number[] {
  return Array.from(data.slice(0, MOST_NUMBERS) as Float32Array, Number)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.1 ? 2 : 1)} %`
}
