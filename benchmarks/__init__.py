"""Speed, measured: ratios taken side by side in one run, never absolute claims."""
