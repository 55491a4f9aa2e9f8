import { defineConfig } from 'vite'

// One file without `import()`, which service workers do not have; what is in `public` is copied as it is.
export default defineConfig({
  build: {
    rolldownOptions: {
      input: 'background.js',
      output: { entryFileNames: '[name].js', codeSplitting: false },
    },
  },
})
