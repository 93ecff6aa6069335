export const load = () => ({ success: true });
