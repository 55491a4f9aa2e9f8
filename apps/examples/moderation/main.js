// The page: what is typed is checked in the worker, the last text only.
const worker = new Worker(new URL('./moderator.js', import.meta.url), { type: 'module' })
const box = document.querySelector('textarea')
const output = document.querySelector('output')

let last = 0
box.addEventListener('input', () => {
  last += 1
  output.textContent = ''
  worker.postMessage({ id: last, text: box.value })
})
worker.addEventListener('message', ({ data: { id, verdict, error } }) => {
  // An answer to a text that is no longer there is of no use.
  if (id === last) output.textContent = error ?? `${verdict.label} (${(100 * verdict.chance).toFixed(1)} %)`
})
