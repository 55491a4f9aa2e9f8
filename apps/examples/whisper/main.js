// The page: decodes a recording to 16,000 samples a second, which Whisper hears, and shows what the worker writes down.
const worker = new Worker(new URL('./transcriber.js', import.meta.url), { type: 'module' })
const output = document.querySelector('output')
worker.postMessage({ model: new URL(location.href).searchParams.get('model') ?? undefined })

document.querySelector('input').addEventListener('change', async ({ target: { files } }) => {
  output.textContent = 'listening …'
  const audio = new OfflineAudioContext(1, 1, 16_000)
  const sound = await audio.decodeAudioData(await files[0].arrayBuffer())
  worker.postMessage({ samples: sound.getChannelData(0) })
})
worker.addEventListener('message', ({ data: { text, error } }) => {
  output.textContent = error ?? text
})
