import react from '@vitejs/plugin-react';
import { petrel } from 'petrel/vite';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react(), petrel()],
});
