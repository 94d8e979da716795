"""The sandbox: two storefronts, their shoppers, the merchant's browser and a provider's sink."""
