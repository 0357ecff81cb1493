import { petrel } from 'petrel/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [petrel()],
  server: { proxy: { '/events': 'http://127.0.0.1:8787' } },
});
