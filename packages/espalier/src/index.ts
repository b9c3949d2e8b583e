export * from '@espalier/runner';
