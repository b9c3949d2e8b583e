export function prepareSoftwareGpu(): boolean;
