"""What it takes to outlive crashes and to outgrow one process or machine."""
